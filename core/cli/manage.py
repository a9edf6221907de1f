"""`brewclip weights`, `gallery` and `settings`."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from core import plain_json, settings
from core.cli import options
from core.cli.options import gallery_name, given_path, option
from core.cli.output import ProgressPrinter, as_json, shortened, size, table
from core.cli.parts import OK, WARNED, Arguments, Command, explorer, load_settings, note, progress
from core.errors import BrewclipError, StoreError
from core.figures import plain
from core.home import expanded, find_home
from core.remote import shown
from core.spoken_languages import code_of

if TYPE_CHECKING:
    from core.galleries.gallery import Gallery
    from core.indexing.unfinished import UnfinishedRun
    from core.store.records import GalleryState, ImageRecord

FLAGS = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
WIDEST = 44  # characters of a value in the list; --json has all of it


def _weights_folder() -> str:
    folder: str = load_settings()["weights.folder"]
    return folder


def _weights_list(arguments: Arguments) -> int:
    from core import weights
    from core.pretrained.weight_table import RECALL_SOURCE

    if arguments.all:
        return _architectures(arguments)
    listed = weights.listing(find_home(), _weights_folder())
    if arguments.json:
        print(as_json([{"name": status.weights.name, "kind": status.weights.kind, "title": status.weights.title,
                        "about": status.weights.about, "licence": status.weights.licence, "size": status.weights.size,
                        "languages": status.weights.languages, "recall": status.weights.recall,
                        "state": status.state, "path": str(status.path) if status.path else None}
                       for status in listed]))
    else:
        print(table([(status.weights.name, status.state, size(status.weights.size) if status.weights.size else "",
                      status.weights.licence, status.weights.languages,
                      "" if status.weights.recall is None else f"{status.weights.recall:.1f}", status.weights.about)
                     for status in listed],
                    ("name", "state", "size", "licence", "languages", "recall", "description"), right=(2, 5)))
        note(f"Recall: zero-shot, percent, {RECALL_SOURCE}; blank where none was published there.")
    return OK


def _architectures(arguments: Arguments) -> int:
    """Print what each of open_clip's architectures is good for, as it was found when it was built (docs/models.md)."""
    known = plain_json.read_object(Path(str(files("resources"))) / "models" / "architectures.json")
    listed = known["architectures"]
    if arguments.json:
        print(as_json(listed))
        return OK
    print(table([(facts["name"], "", "", "", f"no: {facts['error']}", "no", "no") if facts["error"] else
                 (facts["name"], f"{facts['parameters']} million", str(facts["size"]), str(facts["context"]), "yes",
                  *("yes" if facts[key] else "no" for key in ("prompts", "onnx"))) for facts in listed],
                ("architecture", "parameters", "picture", "context", "search", "prompts", "onnx"), right=(1, 2, 3)))
    note(f"{sum(not facts['error'] for facts in listed)} of {len(listed)} architectures of open_clip "
         f"{known['open_clip']} were built, without weights. Weights go by ARCHITECTURE/TAG.")
    return OK


def _each_weights(names: Sequence[str], path_of: Callable[[str, str, ProgressPrinter], Path]) -> int:
    """Print the path of each of these weights; `path_of` takes a name, the weights folder and a report."""
    from core import weights

    folder = _weights_folder()
    for name in names:
        weights.record(name)  # WeightsError ("unknown"), before the first is fetched
    for name in names:
        with progress(in_bytes=True) as report:
            path = path_of(name, folder, report)
        print(path)
    return OK


def _weights_fetch(arguments: Arguments) -> int:
    from core import weights
    from core.models.registry import ModelRegistry

    home = find_home()

    def fetched(name: str, folder: str, report: ProgressPrinter) -> Path:
        path = weights.fetch(name, home, folder, report, arguments.trust_new)
        ModelRegistry(home).prepare(name, load_settings(), report)
        return path

    return _each_weights(arguments.names, fetched)


def _weights_path(arguments: Arguments) -> int:
    from core import weights

    def found(name: str, folder: str, report: ProgressPrinter) -> Path:
        path = weights.find(name, find_home(), folder)
        if path is None:
            raise BrewclipError(f"{name} is not on this computer; fetch it with `brewclip weights fetch {name}`.",
                                "not_here")
        return path

    return _each_weights(arguments.names, found)


def _weights_verify(arguments: Arguments) -> int:
    from core import weights

    return _each_weights(arguments.names, lambda name, folder, report: weights.verify(name, find_home(), folder))


def _indexed(state: "GalleryState", run: "UnfinishedRun | None") -> str:
    """ "720", or "192 of 720, stopped" after a run that did not end."""
    if run is None:
        return str(state.indexed)
    return f"{state.indexed} of {run.found}, stopped" if run.found > state.indexed else f"{state.indexed}, stopped"


def _gallery_list(arguments: Arguments) -> int:
    """List the galleries of the store and of the known addresses; exit code 1 when one cannot be opened."""
    with explorer() as opened:
        wanted = opened.fingerprint().hash
        states = [opened.gallery(gallery).state(wanted) for gallery in opened.store.galleries()]
        problems = {}
        for address in opened.addresses():
            try:
                states.append(opened.gallery(address).state(wanted))
            except StoreError as error:
                problems[address] = str(error)
        unfinished = {state.gallery.id: opened.unfinished.of(state.gallery) for state in states}
    if arguments.json:
        print(as_json([{"name": state.gallery.name, "images": state.images, "indexed": state.indexed,
                        "failed": state.failed, "missing": state.missing,
                        "unfinished": (run := unfinished[state.gallery.id]) is not None,
                        "found": run.found if run is not None else state.images + state.failed,
                        "folders": [shown(folder) for folder in state.gallery.folders]} for state in states]))
    elif states:
        rows = [(state.gallery.name, str(state.images), _indexed(state, unfinished[state.gallery.id]),
                 str(state.failed), ", ".join(shown(folder) for folder in state.gallery.folders)) for state in states]
        print(table(rows, ("gallery", "pictures", "indexed", "failed", "folders"), right=(1, 2, 3)))
    elif not problems:
        print("There is no gallery yet: `brewclip index FOLDER --gallery NAME` creates one.")
    for address, problem in problems.items():
        note(f"{address}: {problem}")
    return WARNED if problems else OK


def _gallery_rename(arguments: Arguments) -> int:
    from core.store.addresses import is_address

    if is_address(arguments.gallery):
        raise BrewclipError("A gallery at an address is named by it. `brewclip gallery copy` copies it to another.",
                            "address")
    with explorer() as opened:
        opened.store.rename_gallery(opened.store.gallery(arguments.gallery).id, arguments.new_name)
    return OK


def _gallery_delete(arguments: Arguments) -> int:
    with explorer() as opened:
        gallery = opened.gallery(arguments.gallery)
        if not arguments.yes:
            raise BrewclipError(f"Add --yes to delete the gallery {gallery.name} with its tags; the pictures on disk "
                                "stay.", "unconfirmed")
        gallery.delete()
    return OK


def _gallery_copy(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        copied = opened.copy_gallery(arguments.gallery, arguments.to, report)
    if arguments.json:
        print(as_json(asdict(copied)))
    else:
        there = f", {copied.already} of them copied before" if copied.already else ""
        print(f"{copied.gallery}: {copied.pictures} pictures{there}; {copied.vectors} vectors were written, "
              f"{copied.failures} files that could not be read are listed")
    return OK


def _chosen(gallery: "Gallery", pictures: Sequence[Path]) -> "list[ImageRecord]":
    """The images of the gallery at these paths. BrewclipError ("not_here") where one is not in it."""
    from core.store.repository import absolute_path

    by_path = {str(image.path): image for image in gallery.images()}
    paths = [absolute_path(picture) for picture in pictures]
    absent = [path for path in paths if path not in by_path]
    if absent:
        raise BrewclipError(f"{shown(absent[0])} is not in {gallery.name}. Nothing was changed.", "not_here")
    return [by_path[path] for path in paths]


def _gallery_rate(arguments: Arguments) -> int:
    with explorer() as opened:
        gallery = opened.gallery(arguments.gallery)
        gallery.rate([image.id for image in _chosen(gallery, arguments.pictures)], arguments.stars)
    return OK


def _gallery_remove(arguments: Arguments) -> int:
    with explorer() as opened:
        from core.galleries import removal

        gallery = opened.gallery(arguments.gallery)
        removal.remove(gallery, _chosen(gallery, arguments.pictures))
    return OK


def _gallery_restore(arguments: Arguments) -> int:
    """Restore the removed images at these paths, or list the removed ones."""
    with explorer() as opened:
        from core.galleries import removal
        from core.store.repository import absolute_path

        gallery = opened.gallery(arguments.gallery)
        paths = removal.removed(gallery)
        wanted = paths if arguments.all else [absolute_path(picture) for picture in arguments.pictures]
        absent = set(wanted) - set(paths)
        if absent:
            raise BrewclipError(f"{shown(min(absent))} was not removed from {gallery.name}. Nothing was changed.",
                                "not_here")
        if wanted:
            result = removal.restore(gallery, wanted)
            note(f"{result.restored} of {len(wanted)} pictures are in {gallery.name} again")
            if result.changed:
                note(result.words)
        else:
            print("\n".join(map(shown, paths)) or f"No picture was removed from {gallery.name}.")
    return OK


def _gallery_optimize(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        opened.gallery(arguments.gallery).optimize(report)
    return OK


def _settings_list(arguments: Arguments) -> int:
    current = load_settings()
    if arguments.json:
        print(as_json({setting.key: current[setting.key] for setting in settings.SETTINGS}))
    else:
        rows = [(setting.key, shortened(_value_text(current[setting.key]), WIDEST), _allowed_values(setting),
                 setting.label) for setting in settings.SETTINGS]
        print(table(rows, ("setting", "value", "values", "name")))
    return OK


def _value_text(value: settings.Value) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value) or '""'


def _allowed_values(setting: settings.Setting) -> str:
    if setting.kind == "number":
        return f"{plain(setting.low)} to {plain(setting.high)} {setting.unit}".strip()
    values = {"flag": "on, off", "folder": "a folder", "backbone": "auto, or a name of `brewclip weights list`",
              "model": "auto, zero-shot, or the folder of a run", "patterns": "names, with *, separated by ;",
              "text": "any text"}
    if setting.key == "speech.language":
        return "auto, or a language by code (de) or name (German)"
    return values.get(setting.kind) or ", ".join(value for value, _ in setting.choices)


def _settings_set(arguments: Arguments) -> int:
    home = find_home()
    changed = load_settings().with_value(arguments.key, _parsed_value(arguments.key, arguments.value))
    if arguments.key == "vision.backbone" and arguments.value != "auto":
        from core import weights

        weights.record(arguments.value)  # WeightsError: unknown; it names the known ones
    if arguments.key == "vision.model" and arguments.value not in dict(settings.BY_KEY["vision.model"].choices):
        from core.models import checkpoints

        folder = expanded(Path(arguments.value)).absolute()  # from any working folder
        checkpoints.read_run(checkpoints.find(folder))
        changed = changed.with_value("vision.model", str(folder))
    settings.save(changed, home.settings)
    return OK


def _parsed_value(key: str, text: str) -> object:
    """The text as the setting's type, or unchanged for `with_value` to refuse."""
    kind = settings.BY_KEY[key].kind if key in settings.BY_KEY else ""
    if kind == "flag":
        return FLAGS.get(text.lower(), text)
    if key == "speech.language":
        with suppress(ValueError):
            return code_of(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text


GALLERY_NAME = option("gallery", metavar="NAME", help="gallery")
WEIGHTS = Command("weights", "manage the pretrained models", commands=(
    Command("list", "list the pretrained models and their state", (options.JSON, option(
        "--all", action="store_true", help="list open_clip's architectures and what each is good for")),
            _weights_list),
    Command("fetch", "download models that are missing", (options.WEIGHTS_NAMES, option(
        "--trust-new", action="store_true",
        help="accept weights that were refused because their bytes differ from the first download")), _weights_fetch),
    Command("path", "print the files of models", (options.WEIGHTS_NAMES,), _weights_path),
    Command("verify", "compare models with their checksums", (options.WEIGHTS_NAMES,), _weights_verify)))
GALLERY = Command("gallery", "manage galleries", commands=(
    Command("list", "list galleries and how much of them is indexed", (options.JSON,), _gallery_list),
    Command("rename", "rename a gallery", (
        GALLERY_NAME, option("new_name", type=gallery_name, metavar="NEW-NAME", help="new name")), _gallery_rename),
    Command("delete", "delete a gallery; its pictures stay on disk", (GALLERY_NAME, options.YES), _gallery_delete),
    Command("copy", "copy a gallery with its embeddings and tags", (
        option("gallery", metavar="FROM", help="name or address (folder.lance, s3://bucket/path)"),
        option("to", type=gallery_name, metavar="TO", help="new name or address, or that of a copy that was stopped"),
        options.JSON), _gallery_copy),
    Command("rate", "rate pictures of a gallery", (
        GALLERY_NAME, option("stars", type=int, choices=range(6), metavar="STARS", help="1 to 5 stars, or 0 for none"),
        option("pictures", nargs="+", type=given_path, metavar="PICTURE", help="picture")), _gallery_rate),
    Command("remove", "remove pictures from a gallery; their files stay", (
        GALLERY_NAME, option("pictures", nargs="+", type=given_path, metavar="PICTURE", help="picture")),
        _gallery_remove, details="They stay away when the gallery is indexed again, until they are restored."),
    Command("restore", "restore removed pictures, or list them", (
        GALLERY_NAME, option("pictures", nargs="*", type=given_path, metavar="PICTURE", help="picture; none lists all"),
        option("--all", action="store_true", help="restore all of them")), _gallery_restore),
    Command("optimize", "optimize the tables at an address", (
        option("gallery", metavar="ADDRESS", help="address (folder.lance, s3://bucket/path)"),), _gallery_optimize,
        details="Indexing does it at its end.")))
SETTINGS = Command("settings", "show and change settings", commands=(
    Command("list", "list all settings with their values", (options.JSON,), _settings_list),
    Command("set", "change a setting", (option("key", metavar="SETTING", help="key of the setting"),
                                        option("value", metavar="VALUE", help="new value")), _settings_set)))
