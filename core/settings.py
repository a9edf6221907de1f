"""The settings, declared once: the Settings panel, the docs and the tests iterate over `SETTINGS`."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from filelock import FileLock, Timeout

from core import plain_json, private_files
from core.errors import SettingsError

Value = str | int | float | bool
Kind = Literal["choice", "flag", "number", "folder", "backbone", "model", "patterns"]


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
    zero: str = ""  # what 0 means, shown in its place
    reembeds: bool = False  # a change gives embeddings another fingerprint

    def check(self, value: object) -> Value:
        """The value, as this setting's type; SettingsError when it cannot be one."""
        match self.kind, value:
            case "flag", bool():
                return value
            case "number", int() | float() if not isinstance(value, bool) and self.low <= value <= self.high:
                kept = type(self.default)(value)
                if kept == value:  # never half a day that becomes 0, which means for ever
                    return kept
            case "choice", str() if value in dict(self.choices):
                return value
            case ("folder" | "backbone" | "model" | "patterns"), str():
                return value
        raise SettingsError(f"The setting {self.key} cannot be {value!r}.", "setting")

# Thumbnails, bins and previews of storage devices, systems and programs; hidden ones (.thumbnails, .Trash-1000, .git)
# are passed over anyway.
SYSTEM_FOLDERS = ("@eaDir; #recycle; #snapshot; @Recycle; @Recently-Snapshot; @Transcode; $RECYCLE.BIN; RECYCLER; "
                  "System Volume Information; lost+found; node_modules; __MACOSX; __pycache__; "
                  "Network Trash Folder; Temporary Items; *.lrdata; *.photoslibrary/resources")

SETTINGS: tuple[Setting, ...] = (
    Setting("appearance.theme", "Appearance", "Theme", "Light, dark, or as the desktop has it.", "choice", "system",
            (("system", "As the desktop"), ("light", "Light"), ("dark", "Dark"))),
    Setting("appearance.panels", "Appearance", "Screens",
            "Simple mode shows what people with pictures need; the research screens stay within reach of a click here.",
            "choice", "all", (("all", "All, with research screens"), ("simple", "Simple: Search, Library, Settings"))),
    Setting("appearance.card_width", "Appearance", "Size of pictures", "Width of a picture in the results.", "number",
            164, low=120, high=420, unit="px"),
    Setting("search.top", "Searching", "Hits to show", "How many hits a search shows at first.", "number", 250,
            low=10, high=5000),
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
    Setting("search.keep_history", "Privacy", "Keep spoken queries",
            "Keep each query with its recording in the history, on this computer only.", "flag", True),
    Setting("search.history_days", "Privacy", "Delete history after",
            "Queries, their recordings and all transcripts that are older are deleted at each start. 0: kept until you "
            "delete them.", "number", 0, low=0, high=3650, unit="days", zero="Never"),
    Setting("caches.limit_gb", "Privacy", "Limit of caches",
            "At each start the caches used longest ago are deleted until the rest takes no more; what was used within "
            "a day stays. 0: no limit.", "number", 100, low=0, high=100_000, unit="GB", zero="No limit"),
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
    Setting("images.exclude", "Seeing", "Left out when indexing",
            "Names of folders and pictures, with * for anything, separated by semicolons. What is left out leaves the "
            "gallery the next time it is indexed.", "patterns", SYSTEM_FOLDERS),
    Setting("device", "This computer", "Compute on", "Falls back to the CPU when a GPU fails.", "choice", "auto",
            (("auto", "The fastest there is"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", "Apple GPU"))),
    Setting("weights.folder", "This computer", "Folder of weights",
            "Looked in before anything is downloaded; for machines without a network.", "folder", ""),
)

LOCK_SECONDS = 10.0  # to wait for another program that is saving
BY_KEY: Mapping[str, Setting] = MappingProxyType({setting.key: setting for setting in SETTINGS})


@dataclass(frozen=True)
class Settings:
    """The values that differ from the defaults, checked.

    `unread` names a settings file that could not be used: a damaged one, moved aside, or one that cannot be read now.
    `stored` are the values as they were last read or written: `save` writes what differs from them.
    """

    changed: Mapping[str, Value] = field(default_factory=dict)
    unread: Path | None = None
    stored: Mapping[str, Value] = field(default_factory=dict, compare=False)

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
    """The settings in a file. A damaged file is moved aside, impossible values are left out: neither stops a start.

    A file that cannot be read just now stays where it is.
    """
    try:
        return _settings_of(_read(path))
    except ValueError:
        aside = path.with_suffix(".damaged.json")
        with suppress(OSError):
            path.replace(aside)
            return Settings(unread=aside)
        return Settings(unread=path)
    except OSError:
        return Settings(unread=path)


def save(settings: Settings, path: Path) -> Settings:
    """Write the values that changed since they were read, beside what other programs wrote meanwhile.

    Returns the same settings, with what is stored now as the state to compare with. The old file stays whole until the
    new one is on disk. SettingsError ("not_saved").
    """
    try:
        private_files.make_folder(path.parent)
        with FileLock(path.with_suffix(".lock"), LOCK_SECONDS, private_files.FILE):
            values = _mergeable(path)
            for key in settings.changed.keys() | settings.stored.keys():
                if settings.changed.get(key) != settings.stored.get(key):
                    values.pop(key, None)
                    values.update({key: settings.changed[key]} if key in settings.changed else {})
            private_files.write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False).encode())
    except (OSError, Timeout) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"The settings could not be saved: {reason}. The old ones are kept.",
                            "not_saved") from error
    return replace(settings, stored=settings.changed)


def _read(path: Path) -> dict[str, Any]:
    """The values in a file, {} without one. ValueError: damaged. OSError: it cannot be read."""
    try:
        return plain_json.read_object(path)
    except FileNotFoundError:
        return {}


def _mergeable(path: Path) -> dict[str, Any]:
    """The values that stand in the file; {} where it is damaged. OSError: it cannot be read, and so not replaced."""
    try:
        return _read(path)
    except ValueError:
        return {}


def _settings_of(values: Mapping[str, Any]) -> Settings:
    settings = Settings()
    for key, value in values.items():
        with suppress(SettingsError):  # written by another release, or by hand
            settings = settings.with_value(key, value)
    return replace(settings, stored=settings.changed)
