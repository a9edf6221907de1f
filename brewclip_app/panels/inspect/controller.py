"""Controller of the Inspect screen: explains, ranks and tests maps in jobs. No widgets here."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.jobs import JobReplaced
from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import Inspection
from brewclip_app.panels.inspect.case import Explainer, InspectCase
from brewclip_app.panels.inspect.state import InspectState
from core.errors import BrewclipError
from core.explain.methods import BY_NAME
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.panels.inspect.case import FaithfulnessByMethod
    from core.audio import Waveform
    from core.explain.inspection import Explanation
    from core.explain.neighbours import Neighbour
    from core.explain.observation import Target, Tower
    from core.store.records import ImageRecord

EXPLAIN, SECOND, RANK, TEST = "inspect", "inspect-second", "inspect-strip", "inspect-judge"  # keys of the jobs
SETTLED_MS = 90  # after the last move of the slider
MODEL_SETTINGS = ("vision.backbone", "vision.crop", "vision.model", "device", "weights.folder")


class InspectController(Controller[InspectState]):
    """Holds the state; methods change it at once or start a coroutine. Of several explanations the latest wins."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(InspectState(), parent)
        self._context, self._jobs, self._explainer = context, context.jobs, Explainer()
        self._settings = self._model_settings()
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(lambda: tasks.start(self._rank()))

    # ---- what to explain

    def explain(self, subject: Inspection, note: str = "") -> None:
        """Explain a subject; where its query or its picture is missing, keep it and wait for the rest."""
        subject = subject if subject.gallery else replace(subject, gallery=self._context.gallery)
        has_query = bool(subject.text or subject.speech or subject.waveform)
        has_picture = subject.path is not None or subject.image_id is not None or bool(subject.gallery)
        if has_query and has_picture:
            for key in (TEST, SECOND):
                self._cancel(key)
            self._settings = self._model_settings()
            self._set(subject=subject, notice=note)
            tasks.start(self._explain(subject))
        else:
            self._cancel(EXPLAIN)
            self._set(subject=subject, case=None, second=None, comparing=False, neighbours=(), tests={}, notice=note)

    def set_text(self, text: str) -> None:
        """A typed query in place of the one before."""
        text = " ".join(text.split())
        if text:
            self.explain(replace(self.state.subject, text=text, speech=None, waveform=None, caption="", terms=()))

    def set_waveform(self, waveform: "Waveform") -> None:
        """A spoken query in place of the one before."""
        self.explain(replace(self.state.subject, text="", speech=None, waveform=waveform, caption="", terms=()))

    def set_picture(self, path: Path) -> None:
        """A picture in place of the one before."""
        self.explain(replace(self.state.subject, path=path, image_id=None))

    def prepare_picture(self, path: Path) -> None:
        """The picture of the recording that is about to come."""
        self._set(subject=replace(self.state.subject, path=path, image_id=None))

    def edit(self, text: str) -> None:
        """Other words for the query; its voice stays."""
        subject = self.state.subject
        terms = tuple(replace(term, text=text) if at == subject.term else term for at, term in enumerate(subject.terms))
        self.explain(replace(subject, text=text, terms=terms))

    def choose_term(self, at: int) -> None:
        """Another term of the query, with the same picture."""
        term = self.state.subject.terms[at]
        self.explain(replace(self.state.subject, text=term.text, speech=None, waveform=term.waveform, caption="",
                             term=at))

    def choose(self, image: "ImageRecord") -> None:
        """A picture of the ranking: the one to explain, or the second one while two are compared."""
        if self.state.case is None:
            return
        subject = replace(self.state.subject, path=image.path, image_id=image.id, caption="")
        if self.state.comparing:
            tasks.start(self._explain_second(subject))
        else:
            self.explain(subject)

    def apply_settings(self) -> None:
        """Explain again where the settings name another model now."""
        if self.state.case is not None and self._model_settings() != self._settings:
            self.explain(self.state.subject)

    def stop(self) -> bool:
        """Stop what runs; whether anything did."""
        return bool([key for key in (EXPLAIN, SECOND, TEST) if self._cancel(key)])

    # ---- maps and mix

    def choose_map(self, target: "Target", method: str) -> None:
        """Show the maps of another score or method."""
        if (target, method) == (self.state.target, self.state.method):
            return
        before = self.state.map_target
        self._set(target=target, method=method, notice="")
        second = self.state.second
        if self.state.map_target != before:
            self.test_maps()
        if (self.state.comparing and second is not None and BY_NAME[method].occludes
                and self.state.map_target not in second.occluded):
            tasks.start(self._explain_second(second.subject))

    def choose_tower(self, tower: "Tower") -> None:
        """Show the test results of the map on the picture, the words or the voice."""
        self._set(tower=tower)

    def set_mix(self, mix: float) -> None:
        """Rank by another mix of transcript and voice; moves that follow each other closely are one."""
        self._set(mix=mix)
        self._settled.start()

    def test_maps(self) -> None:
        """Compute deletion and insertion of the maps, unless that is done."""
        if self.state.case is None:
            return
        if self.state.faithfulness:
            self._cancel(TEST)
        else:
            tasks.start(self._test(self.state.case, self.state.map_target))

    def stop_testing(self) -> None:
        """Stop testing the maps."""
        self._cancel(TEST)

    # ---- two side by side

    def compare(self) -> None:
        """Compare with a second picture, at first the best other one; or end it."""
        case = self.state.case
        if self.state.comparing or case is None:
            self.leave_compare()
            return
        self._set(comparing=True, second=None)
        rival = next((row.image for row in self.state.neighbours if row.image.id != case.subject.image_id), None)
        if rival is not None:
            self.choose(rival)

    def leave_compare(self) -> None:
        """Back to one picture."""
        self._set(comparing=False)

    # ---- the rest

    def notify(self, text: str) -> None:
        """Show a sentence above the pages; "" none."""
        self._set(notice=text)

    # ---- coroutines

    async def _explain(self, subject: Inspection) -> None:
        explorer = self._context.explorer
        self._set(progress=Progress())
        try:
            case = await self._jobs.run(_("Explaining a result"),
                                        lambda report: self._explainer.explain(explorer, subject, report), key=EXPLAIN,
                                        on_progress=lambda progress: self._set(progress=progress))
        except JobReplaced:
            return
        except JobCancelled:
            self._set(progress=None)
        except Exception as error:
            self._set(progress=None)
            self._fail(error)
            if self.state.case is not None:
                self._set(subject=self.state.case.subject)  # what is shown stays
        else:
            self._set(case=case, subject=case.subject, progress=None, testing=None, tests={},
                      neighbours=self.state.neighbours if case.ranking else ())
            self._settled.start()
            self.test_maps()

    async def _explain_second(self, subject: Inspection) -> None:
        explorer = self._context.explorer
        occluded = self.state.map_target if BY_NAME[self.state.method].occludes else None
        try:
            case = await self._jobs.run(_("Explaining a second result"), lambda report: self._explainer.explain(
                explorer, subject, report, occluded), key=SECOND)
        except JobCancelled:
            return
        except Exception as error:
            self._fail(error)
        else:
            self._set(second=case)

    async def _rank(self) -> None:
        explorer, case = self._context.explorer, self.state.case
        if case is None:
            return
        ranking, mix = case.ranking, self.state.mix if case.has_both else 0.5

        def work(report: Report) -> "tuple[Neighbour, ...]":
            from core.explain.neighbours import neighbours
            from core.galleries.backends import open_gallery

            return neighbours(ranking, open_gallery(explorer.store, ranking.gallery), mix) if ranking else ()

        try:
            rows = await self._jobs.run(_("Ranking"), work, key=RANK, quiet=True)
        except JobCancelled:
            return
        except Exception:  # logged by the job; the strip is empty then
            rows = ()
        if self.state.case is not None and self.state.case.explanation is case.explanation:
            self._set(neighbours=rows)

    async def _test(self, case: InspectCase, target: "Target") -> None:
        def work(report: Report) -> "tuple[Explanation, FaithfulnessByMethod]":
            explanation = case.occluded.get(target) or case.explanation.occluded(target, report)
            return explanation, explanation.faithfulness(target, report=report)

        self._set(testing=(0, 0))
        try:
            explanation, faithfulness = await self._jobs.run(
                _("Testing the maps"), work, key=TEST, quiet=True,
                on_progress=lambda progress: self._set(testing=progress.bar))
        except JobReplaced:
            return
        except (JobCancelled, Exception):  # logged by the job; the card offers to test again
            self._set(testing=None)
            return
        shown = self.state.case
        if shown is not None and shown.explanation is case.explanation:
            self._set(case=replace(shown, occluded={**shown.occluded, target: explanation}), testing=None,
                      tests={**self.state.tests, target: faithfulness})

    def _fail(self, error: Exception) -> None:
        if isinstance(error, BrewclipError):
            self.notify(localised(error))
        else:
            self.failed.emit(error, "")

    def _cancel(self, key: str) -> bool:
        job = self._jobs.of_key(key)
        if job is not None:
            job.cancel()
        return job is not None

    def _model_settings(self) -> tuple[Any, ...]:
        return tuple(self._context.settings.changed.get(key) for key in MODEL_SETTINGS)
