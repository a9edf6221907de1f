"""Settings, declared once: the Settings panel, the docs and the tests iterate over `SETTINGS`."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from core import plain_json, private_files
from core.errors import SettingsError
from core.spoken_languages import AUTO, LANGUAGES

Value = str | int | float | bool
Kind = Literal["choice", "flag", "number", "folder", "backbone", "model", "recogniser", "patterns", "text"]


@dataclass(frozen=True)
class Setting:
    """Declaration of a setting: key, texts of the interface, kind, default and allowed values."""

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
    zero: str = ""  # shown in place of 0
    reembeds: bool = False  # a change gives embeddings another fingerprint

    def check(self, value: object) -> Value:
        """The value in this setting's type. SettingsError: it is not allowed."""
        match self.kind, value:
            case "flag", bool():
                return value
            case "number", int() | float() if not isinstance(value, bool) and self.low <= value <= self.high:
                converted = type(self.default)(value)
                if converted == value:  # half a day must not become 0, which means never
                    return converted
            case "choice", str() if value in dict(self.choices):
                return value
            case ("folder" | "backbone" | "model" | "recogniser" | "patterns" | "text"), str():
                return value
        raise SettingsError(f"The setting {self.key} cannot be {value!r}.", "setting")


# Folders of thumbnails, bins and previews; hidden ones (.thumbnails, .Trash-1000, .git) are skipped anyway.
SYSTEM_FOLDERS = ("@eaDir; #recycle; #snapshot; @Recycle; @Recently-Snapshot; @Transcode; $RECYCLE.BIN; RECYCLER; "
                  "System Volume Information; lost+found; node_modules; __MACOSX; __pycache__; "
                  "Network Trash Folder; Temporary Items; *.lrdata; *.photoslibrary/resources")

INTERFACE = "appearance.panels"  # key: which panels the window shows
PRIVACY = "Privacy"  # group to which the window adds sizes and buttons to delete

SETTINGS: tuple[Setting, ...] = (
    Setting("appearance.theme", "Appearance", "Theme", "Colours of the window.", "choice", "system",
            (("system", "Follow system"), ("light", "Light"), ("dark", "Dark"))),
    Setting(INTERFACE, "Appearance", "Interface", "The simple interface hides the panels for research.",
            "choice", "all", (("all", "Full: all panels"), ("simple", "Simple: Search, Library, Settings"))),
    Setting("appearance.card_width", "Appearance", "Thumbnail size", "Width of a picture in the results.", "number",
            164, low=120, high=420, unit="px"),
    Setting("search.top", "Search", "Number of results", "Results that a search shows at first.", "number", 250,
            low=10, high=5000),
    Setting("search.live", "Search", "Search while speaking", "Results follow the words as they are spoken.", "flag",
            True),
    Setting("search.hands_free", "Search", "Stop after a pause",
            "A recording begun with a tap ends when nothing more is said.", "flag", False),
    Setting("speech.language", "Speech", "Language", "Language of spoken queries.", "choice",
            AUTO, ((AUTO, "Detect automatically"), *LANGUAGES)),
    Setting("speech.translate", "Speech", "Translate to English",
            "Search with an English translation of the transcript; the original is shown as well.", "flag", True),
    Setting("speech.recogniser", "Speech", "Recogniser",
            "English-only models recognise English alone. A trained model that uses the voice needs the recogniser "
            "that it was trained with.", "recogniser", "auto", (("auto", "Whisper base"),)),
    Setting("speech.beam", "Speech", "Beam size",
            "Hypotheses that are followed at once; 1 is greedy decoding. More are a little more accurate and take "
            "several times as long.", "number", 1, low=1, high=20),
    Setting("speech.prompt", "Speech", "Vocabulary",
            "Names, places and other words that are likely to be said, such as “Neuschwanstein, Rügen”. The recogniser "
            "writes them more often, also where something similar is said.", "text", ""),
    Setting("speech.padding", "Speech", "Padding",
            "The paper pads every recording to 30 s. Without padding the transcript is the same and comes sooner. With "
            "all frames, a trained model's voice branch also attends to the silence, and to the first 30 s alone.",
            "choice", "own", (("own", "None (fast)"), ("full", "To 30 s"),
                              ("window", "To 30 s, all frames (as in the authors' code)"))),
    Setting("vision.backbone", "Images", "Vision model",
            "The CLIP model that searches. Larger models are more accurate and slower.", "backbone", "auto",
            reembeds=True),
    Setting("vision.model", "Images", "Trained model",
            "A BrewCLIP model on top of the vision model also uses the voice. Without one, only the transcript counts.",
            "model", "auto", (("auto", "Included model"), ("zero-shot", "None (zero-shot)")),
            reembeds=True),
    Setting("vision.crop", "Images", "Image crop",
            "CLIP models see squares. The centre crop cuts off the ends of a picture; the other choices keep them.",
            "choice", "centre",
            (("centre", "Centre crop (CLIP's default)"), ("letterbox", "Letterbox (whole picture, with bars)"),
             ("squash", "Squash (whole picture, distorted)"),
             ("multi-crop", "Multi-crop (indexing takes up to 4 times as long)")),
            reembeds=True),
    Setting("images.max_megapixels", "Images", "Maximum picture size",
            "Larger pictures are listed as failed: a small file can unpack to fill the memory.", "number", 120,
            low=1, high=2000, unit="megapixels"),
    Setting("images.exclude", "Images", "Excluded files and folders",
            "Names, with * for anything, separated by semicolons. Excluded pictures leave the gallery when it is "
            "indexed the next time.", "patterns", SYSTEM_FOLDERS),
    Setting("watch.mode", "Images", "New pictures",
            "The folders of galleries on this computer are watched while the window is open.", "choice", "ask",
            (("ask", "Show a button to add them"), ("auto", "Add them automatically"), ("off", "Do not watch"))),
    Setting("watch.minutes", "Images", "Check other folders every",
            "For folders that cannot be watched, such as network drives. All are checked at each start.", "number", 15,
            low=0, high=1440, unit="min", zero="Only at start"),
    Setting("search.keep_history", PRIVACY, "Keep history",
            "Keep queries with their recordings, on this computer only.", "flag", True),
    Setting("search.history_days", PRIVACY, "Delete history after",
            "Older queries, recordings and transcripts are deleted at each start.", "number", 0, low=0, high=3650,
            unit="days", zero="Never"),
    Setting("caches.limit_gb", PRIVACY, "Cache size limit",
            "At each start the least recently used caches above the limit are deleted, except those of the last day.",
            "number", 100, low=0, high=100_000, unit="GB", zero="No limit"),
    Setting("device", "System", "Device", "Falls back to the CPU when a GPU fails.", "choice", "auto",
            (("auto", "Fastest available"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", "Apple GPU"))),
    Setting("inference", "System", "Inference",
            "On a CPU, models run in ONNX Runtime, which is faster and gives the same results.", "choice", "auto",
            (("auto", "Fastest available"), ("torch", "PyTorch"))),
    Setting("weights.folder", "System", "Weights folder",
            "Searched before anything is downloaded; for computers without a network.", "folder", ""),
)

LOCK_SECONDS = 10.0  # wait for another process that is saving
BY_KEY: Mapping[str, Setting] = MappingProxyType({setting.key: setting for setting in SETTINGS})


@dataclass(frozen=True)
class Settings:
    """Checked values that differ from the defaults.

    `unread`: a settings file that is damaged (moved aside) or cannot be read now. `stored`: the values as last read or
    written; `save` writes the difference.
    """

    changed: Mapping[str, Value] = field(default_factory=dict)
    unread: Path | None = None
    stored: Mapping[str, Value] = field(default_factory=dict, compare=False)

    def __getitem__(self, key: str) -> Any:
        return self.changed.get(key, BY_KEY[key].default)

    def with_value(self, key: str, value: object) -> "Settings":
        """A copy with one value changed. SettingsError: no such setting, or a value that is not allowed."""
        if key not in BY_KEY:
            raise SettingsError(f"There is no setting {key}.", "setting")
        checked = BY_KEY[key].check(value)
        changed = {name: value for name, value in self.changed.items() if name != key}
        return replace(self, changed=changed if checked == BY_KEY[key].default else {**changed, key: checked})


def load(path: Path) -> Settings:
    """Read settings from a file. A damaged file is moved aside, invalid values are ignored; neither is an error.

    A file that cannot be read now stays where it is.
    """
    try:
        values = _read(path)
    except ValueError:
        aside = path.with_suffix(".damaged.json")
        with suppress(OSError):
            path.replace(aside)
            return Settings(unread=aside)
        return Settings(unread=path)
    except OSError:
        return Settings(unread=path)
    settings = Settings()
    for key, value in values.items():
        with suppress(SettingsError):  # written by another release, or by hand
            settings = settings.with_value(key, value)
    return replace(settings, stored=settings.changed)


def save(settings: Settings, path: Path) -> Settings:
    """Write the values that changed since they were read, merged with what other processes wrote meanwhile.

    Returns the settings with `stored` up to date. The old file stays whole until the new one is on disk.
    SettingsError ("not_saved").
    """
    try:
        private_files.make_folder(path.parent)
        with private_files.locked(path.with_suffix(".lock"), LOCK_SECONDS):
            try:
                values = _read(path)
            except ValueError:  # damaged: replaced; one that cannot be read is not
                values = {}
            for key in settings.changed.keys() | settings.stored.keys():
                if settings.changed.get(key) != settings.stored.get(key):
                    values.pop(key, None)
                    values.update({key: settings.changed[key]} if key in settings.changed else {})
            private_files.write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False).encode())
    except OSError as error:
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
