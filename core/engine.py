"""The models in use: chosen by the settings, loaded at first use and once, dropped when the settings ask for others."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import weights
from core.errors import WeightsError
from core.fingerprint import Fingerprint
from core.home import Home
from core.models import backbones
from core.progress import Report, silent
from core.settings import Settings

if TYPE_CHECKING:  # torch takes seconds to import, and not every command needs a model
    from core.models.speech import Recogniser
    from core.models.vision_language import VisionLanguage

WHISPER = "whisper-base"


@dataclass(frozen=True)
class EngineStatus:
    """The models in use. `device` is "" until one is loaded; `fallback` says why it is not the one asked for, else "".

    `backbone` and `speech` are titles; `speech` is "" when the recogniser's weights are not on this computer. `note`
    explains the backbone where that is needed (the small bundled one), else "".
    """

    backbone: str
    note: str
    speech: str
    device: str
    fallback: str
    backbone_loaded: bool
    speech_loaded: bool


@dataclass(frozen=True)
class _Choice:
    """What decides a loaded model: another choice is another model."""

    name: str
    path: Path
    device: str


class Engine:
    """Gives models and what is known of them. Any thread may call any method; a model is loaded by one of them.

    Each method is told the settings, so that one search or indexing run keeps to those that it began with.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._loading_backbone = threading.Lock()
        self._loading_speech = threading.Lock()
        self._backbone: tuple[_Choice, VisionLanguage] | None = None
        self._recogniser: tuple[_Choice, Recogniser] | None = None
        self._hashes: dict[tuple[Path, int, int], str] = {}

    def give_up(self, settings: Settings) -> None:
        """Give up the models that these settings do not ask for."""
        if self._backbone is not None and not self._fits(self._backbone[0], settings, settings["vision.backbone"]):
            self._backbone = None
        if self._recogniser is not None and not self._fits(self._recogniser[0], settings, WHISPER):
            self._recogniser = None

    def backbone(self, settings: Settings, report: Report = silent) -> "VisionLanguage":
        """The backbone of the settings, loaded. WeightsError ("missing"), ModelError."""
        with self._loading_backbone:
            choice, loaded = self._chosen_backbone(settings), self._backbone
            if loaded is None or loaded[0] != choice:
                report(0, 0, f"Loading {backbones.title(choice.name)}")
                from core.models import vision_language

                loaded = choice, vision_language.load(choice.name, choice.path, choice.device)
                self._backbone = loaded
            return loaded[1]

    def recogniser(self, settings: Settings, report: Report = silent) -> "Recogniser":
        """Whisper, loaded. WeightsError ("missing") says how to fetch it; ModelError."""
        with self._loading_speech:
            choice, loaded = self._choice(WHISPER, settings, "Spoken queries"), self._recogniser
            if loaded is None or loaded[0] != choice:
                report(0, 0, f"Loading {weights.record(choice.name).title}")
                from core.models import speech

                loaded = choice, speech.load(choice.path, choice.device)
                self._recogniser = loaded
            return loaded[1]

    def fingerprint(self, settings: Settings) -> Fingerprint:
        """The fingerprint that the settings ask for. No model is loaded. WeightsError ("missing")."""
        choice = self._chosen_backbone(settings)
        return backbones.fingerprint(choice.name, self._sha256(choice.path), settings["vision.crop"])

    def status(self, settings: Settings) -> EngineStatus:
        """What is in use, without loading anything."""
        name = self._backbone_name(settings)
        speech_here = weights.find(WHISPER, self._home, settings["weights.folder"]) is not None
        backbone, recogniser = self._backbone, self._recogniser
        models = [loaded[1] for loaded in (backbone, recogniser) if loaded is not None]
        return EngineStatus(
            backbone=backbones.title(name), note=backbones.note(name),
            speech=weights.record(WHISPER).title if speech_here else "",
            device=" + ".join(dict.fromkeys(model.device for model in models)),
            fallback=next((model.fallback for model in models if model.fallback), ""),
            backbone_loaded=backbone is not None, speech_loaded=recogniser is not None)

    def _backbone_name(self, settings: Settings) -> str:
        name: str = settings["vision.backbone"]
        return weights.default_backbone(self._home, settings["weights.folder"]) if name == "auto" else name

    def _chosen_backbone(self, settings: Settings) -> _Choice:
        return self._choice(self._backbone_name(settings), settings, "Galleries and searches")

    def _choice(self, name: str, settings: Settings, what: str) -> _Choice:
        path = weights.find(name, self._home, settings["weights.folder"])
        if path is None:
            raise WeightsError(f"{what} need {weights.record(name).title}, which is not on this computer yet. Fetch it "
                               f"under Settings or with `brewclip weights fetch {name}`.", "missing")
        return _Choice(name, path, settings["device"])

    def _fits(self, choice: _Choice, settings: Settings, name: str) -> bool:
        """Whether a loaded model may be the one that is asked for; the next use finds out for sure."""
        return choice.device == settings["device"] and name in (choice.name, "auto")

    def _sha256(self, path: Path) -> str:
        """Of a file of weights; the bundled one has no stamp, so it is read once and remembered."""
        status = path.stat()
        key = path, status.st_size, status.st_mtime_ns
        if key not in self._hashes:
            self._hashes[key] = weights.sha256_of(path, self._home)
        return self._hashes[key]
