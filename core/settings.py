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
from core.localisation import INTERFACE_LANGUAGES, _
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
        raise SettingsError(_("The setting {key} cannot be {value!r}.").format(key=self.key, value=value), "setting")


# Folders of thumbnails, bins and previews; hidden ones (.thumbnails, .Trash-1000, .git) are skipped anyway.
SYSTEM_FOLDERS = ("@eaDir; #recycle; #snapshot; @Recycle; @Recently-Snapshot; @Transcode; $RECYCLE.BIN; RECYCLER; "
                  "System Volume Information; lost+found; node_modules; __MACOSX; __pycache__; "
                  "Network Trash Folder; Temporary Items; *.lrdata; *.photoslibrary/resources")

INTERFACE = "appearance.panels"  # key: which panels the window shows
PRIVACY = _("Privacy")  # group to which the window adds sizes and buttons to delete

SETTINGS: tuple[Setting, ...] = (
    Setting("appearance.theme", _("Appearance"), _("Theme"), _("Colours of the window."), "choice", "system",
            (("system", _("Follow system")), ("light", _("Light")), ("dark", _("Dark")))),
    Setting("appearance.language", _("Appearance"), _("Language of the interface"),
            _("Texts of the window; a change applies at the next start."), "choice", "system",
            (("system", _("Follow system")), *INTERFACE_LANGUAGES.items())),
    Setting(INTERFACE, _("Appearance"), _("Interface"), _("The simple interface hides the panels for research."),
            "choice", "all", (("all", _("Full: all panels")), ("simple", _("Simple: Search, Library, Settings")))),
    Setting("appearance.card_width", _("Appearance"), _("Thumbnail size"), _("Width of a picture in the results."),
            "number",
            164, low=120, high=420, unit="px"),
    Setting("search.top", _("Search"), _("Number of results"), _("Results that a search shows at first."), "number",
            250,
            low=10, high=5000),
    Setting("search.live", _("Search"), _("Search while speaking"), _("Results follow the words as they are spoken."),
            "flag",
            True),
    Setting("search.hands_free", _("Search"), _("Stop after a pause"),
            _("A recording begun with a tap ends when nothing more is said."), "flag", False),
    Setting("speech.language", _("Speech"), _("Language"), _("Language of spoken queries."), "choice",
            AUTO, ((AUTO, _("Detect automatically")), *LANGUAGES)),
    Setting("speech.translate", _("Speech"), _("Translate to English"),
            _("Search with an English translation of the transcript; the original is shown as well."), "flag", True),
    Setting("speech.recogniser", _("Speech"), _("Recogniser"),
            _("English-only models recognise English alone. A trained model that uses the voice needs the recogniser "
              "that it was trained with."), "recogniser", "auto", (("auto", _("Whisper base")),)),
    Setting("speech.beam", _("Speech"), _("Beam size"),
            _("Hypotheses that are followed at once; 1 is greedy decoding. More are a little more accurate and take "
              "several times as long."), "number", 1, low=1, high=20),
    Setting("speech.prompt", _("Speech"), _("Vocabulary"),
            _("Names, places and other words that are likely to be said, such as “Neuschwanstein, Rügen”. The "
              "recogniser writes them more often, also where something similar is said."), "text", ""),
    Setting("speech.padding", _("Speech"), _("Padding"),
            _("The paper pads every recording to 30 s. Without padding the transcript is the same and comes sooner. "
              "With all frames, a trained model's voice branch also attends to the silence, and to the first 30 s "
              "alone."),
            "choice", "own", (("own", _("None (fast)")), ("full", _("To 30 s")),
                              ("window", _("To 30 s, all frames (as in the authors' code)")))),
    Setting("vision.backbone", _("Images"), _("Vision model"),
            _("The CLIP model that searches. Larger models are more accurate and slower."), "backbone", "auto",
            reembeds=True),
    Setting("vision.model", _("Images"), _("Trained model"),
            _("A BrewCLIP model on top of the vision model also uses the voice. Without one, only the transcript "
              "counts."),
            "model", "auto", (("auto", _("Included model")), ("zero-shot", _("None (zero-shot)"))),
            reembeds=True),
    Setting("vision.crop", _("Images"), _("Image crop"),
            _("Models see squares. The centre crop, CLIP's own, cuts off the ends of a picture; the others keep them."),
            "choice", "auto",
            (("auto", _("As the model was trained")), ("centre", _("Centre crop")),
             ("letterbox", _("Letterbox (whole picture, with bars)")),
             ("squash", _("Squash (whole picture, distorted)")),
             ("multi-crop", _("Multi-crop (indexing takes up to 4 times as long)"))),
            reembeds=True),
    Setting("images.max_megapixels", _("Images"), _("Maximum picture size"),
            _("Larger pictures are listed as failed: a small file can unpack to fill the memory."), "number", 120,
            low=1, high=2000, unit="megapixels"),
    Setting("images.exclude", _("Images"), _("Excluded files and folders"),
            _("Names, with * for anything, separated by semicolons. Excluded pictures leave the gallery when it is "
              "indexed the next time."), "patterns", SYSTEM_FOLDERS),
    Setting("watch.mode", _("Images"), _("New pictures"),
            _("The folders of galleries on this computer are watched while the window is open."), "choice", "ask",
            (("ask", _("Show a button to add them")), ("auto", _("Add them automatically")),
             ("off", _("Do not watch")))),
    Setting("watch.minutes", _("Images"), _("Check other folders every"),
            _("For folders that cannot be watched, such as network drives. All are checked at each start."), "number",
            15,
            low=0, high=1440, unit="min", zero=_("Only at start")),
    Setting("search.keep_history", PRIVACY, _("Keep history"),
            _("Keep queries with their recordings, on this computer only."), "flag", True),
    Setting("search.history_days", PRIVACY, _("Delete history after"),
            _("Older queries, recordings and transcripts are deleted at each start."), "number", 0, low=0, high=3650,
            unit="days", zero=_("Never")),
    Setting("caches.limit_gb", PRIVACY, _("Cache size limit"),
            _("At each start the least recently used caches above the limit are deleted, except those of the last "
              "day."),
            "number", 100, low=0, high=100_000, unit="GB", zero=_("No limit")),
    Setting("device", _("System"), _("Device"), _("Falls back to the CPU when a GPU fails."), "choice", "auto",
            (("auto", _("Fastest available")), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", _("Apple GPU")))),
    Setting("inference", _("System"), _("Inference"),
            _("On a CPU, models run in ONNX Runtime, which is faster and gives the same results."), "choice", "auto",
            (("auto", _("Fastest available")), ("torch", "PyTorch"))),
    Setting("weights.folder", _("System"), _("Weights folder"),
            _("Searched before anything is downloaded; for computers without a network."), "folder", ""),
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
            raise SettingsError(_("There is no setting {key}.").format(key=key), "setting")
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
        raise SettingsError(_("The settings could not be saved: {reason}. The old ones are kept.").format(
            reason=reason),
                            "not_saved") from error
    return replace(settings, stored=settings.changed)


def _read(path: Path) -> dict[str, Any]:
    """The values in a file, {} without one. ValueError: damaged. OSError: it cannot be read."""
    try:
        return plain_json.read_object(path)
    except FileNotFoundError:
        return {}
