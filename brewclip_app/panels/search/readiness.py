"""Readiness to search: models loaded ahead of the first query, and the recogniser's weights."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import tasks, wording
from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from brewclip_app.services.downloads import DownloadsState
from core.asr.recogniser import RecogniserEntry, entry_of
from core.models.preparing import prepare_apart
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context

NO_SPEECH = _("is missing, so speech cannot be transcribed yet.")


@dataclass(frozen=True)
class SpeechSupport:
    """Whether speech can be transcribed; else what is `missing`, and the `action` that gets it ("" while it comes)."""

    available: bool = True
    missing: str = ""
    action: str = ""


@dataclass(frozen=True)
class ReadinessState:
    """Whether speech can be transcribed, and the step of loading models ahead ("" while nothing is loaded)."""

    speech: SpeechSupport = SpeechSupport()
    loading: str = ""


class Readiness(Controller[ReadinessState]):
    """Loads models in the background and follows the downloads of their weights."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(ReadinessState(), parent)
        self._context = context
        self._files = context.downloads.state.files
        context.downloads.changed.connect(self._follow_downloads)

    @property
    def recogniser(self) -> RecogniserEntry:
        """The recogniser that the settings name."""
        return entry_of(self._context.settings["speech.recogniser"])

    def load_models(self) -> None:
        """Start loading the models before they are needed, unless that runs; a failure is shown when they are needed.

        Where the recogniser has no export yet, a process of low priority makes it, for the next query to use.
        """
        if not self.state.loading:
            tasks.start(self._load_models())

    async def _load_models(self) -> None:
        context = self._context

        def prepare(report: Report) -> None:
            if context.explorer.models.lacks_export(context.settings):
                prepare_apart(context.home, self.recogniser.title, report)

        with suppress(Exception):
            for name, work in ((_("Loading models"), context.explorer.warm_up), (_("Preparing models"), prepare)):
                await context.jobs.run(name, work, key="preload", quiet=True,
                                       on_progress=lambda progress: self._set(loading=progress.title))
        self._set(loading="")

    def settings_changed(self) -> None:
        """Follow other settings of the models."""
        self._follow_downloads(self._context.downloads.state)

    def _follow_downloads(self, state: DownloadsState) -> None:
        """Load models once weights are there. Without the recogniser's say so, and offer them."""
        if state.files is None:
            return
        arrived, self._files = self._files is not None and self._files is not state.files, state.files
        self._set(speech=self._speech_support(state))
        if arrived:
            tasks.start(self._load_models())

    def _speech_support(self, state: DownloadsState) -> SpeechSupport:
        downloads, recogniser = self._context.downloads, self.recogniser
        name, error = recogniser.weights, state.errors.get(recogniser.weights)
        weights = next((row for row in downloads.table() if row.name == name), None)
        if state.path(name) is not None or (weights is None and Path(name).is_file()):
            return SpeechSupport()
        if weights is None:
            return SpeechSupport(
                False, _("There is no file {name}. Choose another recogniser under Settings. You can type "
                         "meanwhile.").format(name=name))
        if name in state.running:
            amount = downloads.amount(name)
            return SpeechSupport(
                False, _("{title} is downloading{amount}{amount_2}. You can type meanwhile.").format(
                    title=recogniser.title, amount=amount and ": ", amount_2=amount))
        return SpeechSupport(
            False, _("{value}To transcribe speech, the program needs {title} ({size}). You can type meanwhile.").format(
                value=f'{error} ' if error is not None else "", title=weights.title, size=wording.size(weights.size)),
            _("Download") if error is None else _("Try again"))

    def get_speech(self) -> None:
        """Download what transcription needs."""
        self._context.downloads.start(self.recogniser.weights)
