"""Commands check what they are to read and write before they load a model or compute anything."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core import cli, images
from core.cli import options
from core.home import Home
from core.models import registry
from core.store.store import Store


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every load of a model fail."""
    def loaded(*arguments: object) -> None:
        raise AssertionError("a model was loaded")

    for name in ("backbone", "recogniser", "load", "model"):
        monkeypatch.setattr(registry.ModelRegistry, name, loaded)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset with a split "test" of two pairs and a split "bare" of a picture whose recording is not listed."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = ["image,recording,caption,split"]
    for name in ("a", "b"):
        Image.new("RGB", (16, 16), "red").save(folder / f"{name}.png")
        soundfile.write(folder / f"{name}.wav", np.sin(np.arange(16_000) * 0.1) * 0.3, 16_000)
        lines.append(f"{name}.png,{name}.wav,a red square,test")
    (folder / "pairs.csv").write_text("\n".join(lines))
    (folder / "a file").touch()
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command that ends with exit code 2 prints to stderr."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as left:
        code = int(str(left.code))
    printed = capsys.readouterr()
    assert code == 2 and printed.out == "", printed
    return printed.err


PLACES = [("nowhere/out.EXT", "there is no folder"), ("a file/out.EXT", "Not a directory"), ("", "it is empty")]


@pytest.mark.parametrize(("place", "words"), [*PLACES, (".", "is a folder")])
def test_output_files(data: Path, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                      place: str, words: str) -> None:
    monkeypatch.chdir(data)
    where = place.replace("EXT", "csv")
    assert words in refused(capsys, "explain", "--text", "a dog", "--image", "a.png", "--figure", where)
    if where != ".":
        text = refused(capsys, "emotion", ".", "--table", where)
        assert words in text or "written as .csv or .md" in text


def test_a_table_of_emotion_is_csv_or_markdown(home: Home, capsys: pytest.CaptureFixture[str], data: Path) -> None:
    assert ".csv or .md" in refused(capsys, "emotion", data, "--table", data / "table.xls")


@pytest.mark.parametrize("command", [("train", "--out"), ("diagnose", "--out"), ("export", "gallery")])
def test_output_folders(data: Path, home: Home, capsys: pytest.CaptureFixture[str], command: tuple[str, str]) -> None:
    name, option = command
    first = () if name == "export" else (data,)
    assert "Not a directory" in refused(capsys, name, *first, option, data / "a file" / "out")
    assert "it is empty" in refused(capsys, name, *first, option, "")


@pytest.mark.parametrize("command", [
    ("search", "--text", "a dog"), ("explain", "--text", "a dog", "--image", "a.png"), ("gallery", "delete"),
    ("gallery", "optimize"), ("gallery", "copy"), ("gallery", "rename"), ("export",)], ids=" ".join)
def test_unknown_galleries(data: Path, home: Home, capsys: pytest.CaptureFixture[str],
                           monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(data)
    option = ("--gallery",) if command[0] in ("search", "explain") else ()
    last = {"copy": ("Other",), "rename": ("Other",), "export": ("out",)}.get(command[-1], ())
    assert "no gallery 'nosuch'" in refused(capsys, *command, *option, "nosuch", *last)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x1bb"])
def test_names_that_no_gallery_can_have(data: Path, home: Home, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for command in (("index", data, "--gallery"), ("import", data, "--gallery"), ("gallery", "copy", "x"),
                    ("gallery", "rename", "x")):
        text = refused(capsys, *command, name)
        assert "name" in text or "character" in text


def test_a_dataset_is_imported_into_galleries_of_this_computer(data: Path, home: Home,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    address = data.parent / "there.lance"
    assert "galleries of this computer" in refused(capsys, "import", data, "--gallery", address)
    assert not address.exists()


@pytest.mark.parametrize("command", [
    ("search", "--gallery", "x", "--speech"), ("search", "--gallery", "x", "--minus-image"),
    ("explain", "--text", "a dog", "--image"), ("explain", "--image", "a.png", "--speech")], ids=" ".join)
def test_missing_inputs(data: Path, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                        command: tuple[str, ...]) -> None:
    monkeypatch.chdir(data)
    assert "there is no file nosuch.png" in refused(capsys, *command, "nosuch.png")


@pytest.mark.parametrize(("options", "words"), [
    (("--split", "nosuch"), "no split 'nosuch'"), (("--checkpoint", "nosuch"), "no trained model"),
    (("nosuch",), "nosuch"), (("--noise", "loud"), "loud"), (("--backbone", "nosuch"), "nosuch"),
    (("--kind", "nosuch"), "nosuch")])
@pytest.mark.parametrize("command", ["evaluate", "diagnose"])
def test_evaluations(data: Path, home: Home, capsys: pytest.CaptureFixture[str], command: str, options: tuple[str, ...],
                     words: str) -> None:
    assert words in refused(capsys, command, data, *options)


def test_misses_of_several_evaluations(data: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    text = refused(capsys, "diagnose", data, "--noise", "clean,10", "--out", data / "out")
    assert "cannot share a folder" in text and not (data / "out").exists()
    assert "no such evaluation" in refused(capsys, "diagnose", "--evaluation", 7)


@pytest.mark.parametrize(("options", "words"), [
    (("--split", "nosuch"), "no split 'nosuch'"), (("--noise", "loud"), "loud"), (("nosuch",), "nosuch")])
def test_preparing(data: Path, home: Home, capsys: pytest.CaptureFixture[str], options: tuple[str, ...],
                   words: str) -> None:
    folder = () if options == ("nosuch",) else (data,)
    assert words in refused(capsys, "prepare", *folder, *options)


def test_models_of_emotion(data: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no trained model" in refused(capsys, "emotion", data, "--checkpoint", "nosuch")
    assert "nosuch" in refused(capsys, "emotion", data, "--feature", "nosuch")


def test_all_names_of_weights(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("fetch", "path", "verify"):
        assert "nosuch" in refused(capsys, "weights", command, "brewclip-mini", "nosuch")


def test_an_output_is_not_made_by_its_check(data: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(data.iterdir())
    Store.open(home.store).close()
    refused(capsys, "explain", "--text", "a dog", "--image", data / "a.png", "--gallery", "nosuch", "--png",
            data / "maps.png")
    assert sorted(data.iterdir()) == before


@pytest.mark.parametrize("command", [("evaluate",), ("train", "--train-split", "test", "--out", "run")], ids=" ".join)
def test_a_dataset_behind_links(data: Path, home: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    links = tmp_path / "links"
    links.mkdir()
    for file in data.iterdir():
        (links / file.name).symlink_to(file)
    (links / "pairs.csv").unlink()
    (links / "pairs.csv").write_text((data / "pairs.csv").read_text())
    text = refused(capsys, command[0], links, *command[1:])
    assert "symbolic links" in text and "--follow-links" in text


def test_crops_of_a_run_are_policies_and_not_the_setting_that_follows_the_model():
    assert options.CROPS == images.CROPS and set(options.SINGLE_CROPS) == set(images.CROP_POLICIES)
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "folder", "--crop", "auto"])
