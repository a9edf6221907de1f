"""The settings, declared once: the Settings panel, the docs and the tests iterate over `SETTINGS`."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from core.errors import SettingsError

Value = str | int | float | bool
Kind = Literal["choice", "flag", "number", "folder", "backbone", "model"]


@dataclass(frozen=True)
class Setting:
    """One setting: how it is named, what it may be, and what it does, in the user's words."""

    key: str
    group: str
    label: str
    help: str
    kind: Kind
    default: Value
    choices: tuple[tuple[str, str], ...] = ()  # (value, label)
    low: float = 0
    high: float = 0
    unit: str = ""
    reembeds: bool = False  # a change gives embeddings another fingerprint

    def check(self, value: object) -> Value:
        """The value, as this setting's type; SettingsError when it cannot be one."""
        match self.kind, value:
            case "flag", bool():
                return value
            case "number", int() | float() if not isinstance(value, bool) and self.low <= value <= self.high:
                return type(self.default)(value)
            case "choice", str() if value in dict(self.choices):
                return value
            case ("folder" | "backbone" | "model"), str():
                return value
        raise SettingsError(f"The setting {self.key} cannot be {value!r}.", "setting")


SETTINGS: tuple[Setting, ...] = (
    Setting("appearance.theme", "Appearance", "Theme", "Light, dark, or as the desktop has it.", "choice", "system",
            (("system", "As the desktop"), ("light", "Light"), ("dark", "Dark"))),
    Setting("appearance.card_width", "Appearance", "Size of pictures", "Width of a picture in the results.", "number",
            164, low=120, high=420, unit="px"),
    Setting("search.top", "Searching", "Hits to show", "How many hits a search shows at first.", "number", 250,
            low=10, high=5000),
    Setting("search.keep_history", "Searching", "Keep spoken queries",
            "Keep each query with its recording in the history, on this computer only.", "flag", True),
    Setting("speech.padding", "Hearing", "Short recordings",
            "Padding every recording to 30 s is what the paper did; its own length gives the same words sooner.",
            "choice", "own", (("own", "At their own length (fast)"), ("full", "Padded to 30 s (the paper)"))),
    Setting("speech.language", "Hearing", "Language", "What is spoken; found by itself unless you choose.", "choice",
            "auto", (("auto", "Find it out"), ("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish"),
                     ("it", "Italian"), ("pt", "Portuguese"), ("nl", "Dutch"), ("pl", "Polish"), ("ru", "Russian"),
                     ("tr", "Turkish"), ("ar", "Arabic"), ("hi", "Hindi"), ("ja", "Japanese"), ("ko", "Korean"),
                     ("zh", "Chinese"))),
    Setting("speech.translate", "Hearing", "Translate to English",
            "Search with an English translation of what was said; the original is shown too.", "flag", True),
    Setting("vision.backbone", "Seeing", "Model for pictures",
            "The CLIP model under the search. A larger one finds more and is slower.", "backbone", "auto",
            reembeds=True),
    Setting("vision.model", "Seeing", "Trained model",
            "BrewCLIP on top of the model for pictures listens to the voice too; without it the words alone are used.",
            "model", "auto", (("auto", "The program's own"), ("zero-shot", "None (zero-shot)")),
            reembeds=True),
    Setting("vision.crop", "Seeing", "What of a picture is seen",
            "CLIP sees squares. The centre crop cuts off the ends; the others keep them.", "choice", "centre",
            (("centre", "Centre crop (CLIP's own)"), ("letterbox", "Whole picture, with bars"),
             ("squash", "Whole picture, squashed"), ("multi-crop", "Several crops, up to 4 times as long to embed")),
            reembeds=True),
    Setting("images.max_megapixels", "Seeing", "Largest picture",
            "Larger pictures are listed as not read: a small file can unpack to fill the memory.", "number", 120,
            low=1, high=2000, unit="megapixels"),
    Setting("device", "This computer", "Compute on", "Falls back to the CPU when a GPU fails.", "choice", "auto",
            (("auto", "The fastest there is"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", "Apple GPU"))),
    Setting("weights.folder", "This computer", "Folder of weights",
            "Looked in before anything is downloaded; for machines without a network.", "folder", ""),
)

BY_KEY: Mapping[str, Setting] = MappingProxyType({setting.key: setting for setting in SETTINGS})


@dataclass(frozen=True)
class Settings:
    """The values that differ from the defaults, checked; `set_aside` names a damaged file that was kept."""

    changed: Mapping[str, Value] = field(default_factory=dict)
    set_aside: Path | None = None

    def __getitem__(self, key: str) -> Any:
        return self.changed.get(key, BY_KEY[key].default)

    def with_value(self, key: str, value: object) -> "Settings":
        """These settings with one changed; SettingsError when the setting cannot have that value."""
        if key not in BY_KEY:
            raise SettingsError(f"There is no setting {key}.", "setting")
        checked = BY_KEY[key].check(value)
        changed = {name: kept for name, kept in self.changed.items() if name != key}
        return replace(self, changed=changed if checked == BY_KEY[key].default else {**changed, key: checked})


def load(path: Path) -> Settings:
    """The settings in a file. A damaged file is moved aside, impossible values are left out: neither stops a start."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a table")
    except FileNotFoundError:
        return Settings()
    except (ValueError, OSError):
        aside = path.with_suffix(".damaged.json")
        try:
            path.replace(aside)
        except OSError:
            aside = path
        return Settings(set_aside=aside)
    settings = Settings()
    for key, value in found.items():
        try:
            settings = settings.with_value(key, value)
        except SettingsError:  # written by another release, or by hand
            continue
    return settings


def save(settings: Settings, path: Path) -> None:
    """Write the changed values; the old file stays whole until the new one is on disk. SettingsError when it cannot."""
    staged = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("w", encoding="utf-8") as file:
            json.dump(dict(settings.changed), file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        raise SettingsError(f"The settings could not be saved: {error.strerror or error}. The old ones are kept.",
                            "not_saved") from error
