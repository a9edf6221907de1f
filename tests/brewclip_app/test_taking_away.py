"""Actions on pictures of a real gallery: what is copied, exported, tagged, rated, removed, binned, and undone."""

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from brewclip_app import taking_away
from brewclip_app.context import Context
from brewclip_app.taking_away import TakeAway, to_bin
from brewclip_app.widgets.selection_bar import SelectionBar
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.home import Home
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile
from core.store.store import Store


@pytest.fixture
def gallery(home: Home, pictures: list[Path]) -> Gallery:
    """The gallery "Mine" of three drawn pictures, the first tagged and rated."""
    made = open_gallery(Store.open(home.store), "Mine", create=True)
    made.add_folder(pictures[0].parent)
    made.record(Fingerprint("f", ""), [
        IndexedFile(str(path), FileStamp(path.stat().st_size, path.stat().st_mtime_ns), bytes([number] * 32),
                    DecodedImageFacts(4, 3, None), np.ones(1, np.float32)) for number, path in enumerate(pictures)])
    first = made.images()[0].id
    made.add_tag([first], "Beach")
    made.rate([first], 2)
    return made


@pytest.fixture
def context(home: Home, gallery: Gallery, qapp: object) -> Iterator[Context]:
    store = Store.open(home.store)
    made = Context(home, SimpleNamespace(gallery=lambda name: open_gallery(store, name), store=store,
                                         close=store.close))  # type: ignore[arg-type]
    made.set_gallery("Mine")
    yield made
    assert made.jobs.shutdown(20)
    made.close()


class Heard:
    """What `TakeAway` said and did."""

    def __init__(self, away: TakeAway) -> None:
        self.words: list[str] = []
        self.acts: list[Any] = []
        self.undo: list[Any] = []
        self.gone: list[frozenset[int]] = []
        away.said.connect(lambda text, action, act: (self.words.append(text), self.acts.append(act)))
        away.done.connect(lambda text, undo: (self.words.append(text), self.undo.append(undo)))
        away.left.connect(self.gone.append)
        away.changed.connect(lambda images: self.words.append("changed"))


@pytest.fixture
def owner(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def away(context: Context, owner: QWidget) -> TakeAway:
    return TakeAway(context, owner)


@pytest.fixture
def heard(away: TakeAway) -> Heard:
    return Heard(away)


def facts(gallery: Gallery) -> list[tuple[str, tuple[str, ...], int]]:
    return [(image.path.name, image.tags, image.rating) for image in gallery.images()]


def test_pictures_go_to_the_clipboard_with_their_files(away: TakeAway, heard: Heard, gallery: Gallery,
                                                       qtbot: QtBot, pictures: list[Path]) -> None:
    images = gallery.images()
    away.copy(images)
    data = QGuiApplication.clipboard().mimeData()
    assert [Path(url.toLocalFile()) for url in data.urls()] == pictures
    assert data.text().split("\n") == [str(path) for path in pictures] and not data.hasImage()
    away.copy(images[:1])
    qtbot.waitUntil(lambda: heard.words[-1] == "Picture copied.")
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasImage() and data.imageData().width() == 300
    assert [Path(url.toLocalFile()) for url in data.urls()] == pictures[:1]


@pytest.mark.parametrize(("answer", "kept"), [("Keep both", b"mine"), ("Replace", None), ("Skip", b"mine"),
                                              ("Cancel", b"mine")])
def test_a_taken_name_is_asked_about_once(away: TakeAway, heard: Heard, gallery: Gallery, owner: QWidget, qtbot: QtBot,
                                          tmp_path: Path, answer: str, kept: bytes | None) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for name in ("red square.png", "blue high.png"):
        (there / name).write_bytes(b"mine")
    away.copy_files(gallery.images(), there)
    qtbot.waitUntil(lambda: owner.findChild(QMessageBox) is not None)
    box = owner.findChild(QMessageBox)
    assert box.text() == "2 names are taken in there"
    next(button for button in box.buttons() if button.text().replace("&", "") == answer).click()
    if answer == "Cancel":
        qtbot.waitUntil(lambda: not box.isVisible())
        assert len(list(there.iterdir())) == 2 and not heard.words
        return
    qtbot.waitUntil(lambda: bool(heard.words))
    copied = 1 if answer == "Skip" else 3
    assert heard.words[0].startswith(f"{copied} picture{'s' * (copied > 1)} copied to {there}.")
    assert ("2 pictures skipped" in heard.words[0]) == (answer == "Skip")
    assert len(list(there.iterdir())) == (5 if answer == "Keep both" else 3)
    assert ((there / "red square.png").read_bytes() == b"mine") == (kept is not None)


def test_a_folder_that_is_gone_is_said_and_nothing_copied(away: TakeAway, heard: Heard, gallery: Gallery,
                                                          qtbot: QtBot, tmp_path: Path) -> None:
    away.copy_files(gallery.images(), tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(heard.words))
    assert "Nothing was copied; choose another folder." in heard.words[0]


def test_a_list_is_exported_as_it_is_named(away: TakeAway, heard: Heard, gallery: Gallery, owner: QWidget,
                                           qtbot: QtBot, tmp_path: Path, make_hit: Any) -> None:
    images = gallery.images()
    away.export(images, {images[1].id: make_hit(7)})
    dialog = owner.findChild(QFileDialog)
    assert dialog.defaultSuffix() == "csv"
    dialog.selectNameFilter("JSON (*.json)")
    dialog.filterSelected.emit("JSON (*.json)")
    assert dialog.defaultSuffix() == "json"
    dialog.fileSelected.emit(str(tmp_path / "list.csv"))
    qtbot.waitUntil(lambda: bool(heard.words))
    assert heard.words == [f"The list of 3 pictures is in {tmp_path / 'list.csv'}."]
    rows = list(csv.DictReader((tmp_path / "list.csv").open(encoding="utf-8")))
    assert [(row["rank"], row["rating"], row["tags"]) for row in rows] == [("", "2", "Beach"), ("7", "0", ""),
                                                                          ("", "0", "")]
    dialog.close()


def test_tags_and_ratings_are_undone_to_what_each_had(away: TakeAway, heard: Heard, gallery: Gallery,
                                                      qtbot: QtBot) -> None:
    before = facts(gallery)
    away.tag(gallery.images(), "beach", True)
    qtbot.waitUntil(lambda: len(heard.undo) == 1)
    assert [len(tags) for _, tags, _ in facts(gallery)] == [1, 1, 1]
    images = gallery.images()
    away.rate(images, 5)
    qtbot.waitUntil(lambda: len(heard.undo) == 2)
    assert heard.words == ["changed", "3 pictures tagged “beach”.", "changed", "3 pictures rated ★★★★★."]
    assert [stars for _, _, stars in facts(gallery)] == [5, 5, 5]
    heard.undo.pop()()
    qtbot.waitUntil(lambda: [stars for _, _, stars in facts(gallery)] == [2, 0, 0])
    heard.undo.pop(0)()
    qtbot.waitUntil(lambda: facts(gallery) == before)
    assert heard.undo == [], "undoing is no step of its own: the steps before it can be reached"
    away.tag(gallery.images()[:1], "beach", True)  # it has the tag
    qtbot.waitUntil(lambda: heard.words.count("changed") == 6)
    assert heard.undo == []


def test_removed_pictures_leave_their_files_and_come_back(away: TakeAway, heard: Heard, gallery: Gallery, qtbot: QtBot,
                                                          pictures: list[Path], context: Context) -> None:
    before, images = facts(gallery), gallery.images()
    with qtbot.waitSignal(context.galleries_changed):
        away.remove(images[:2])
    qtbot.waitUntil(lambda: bool(heard.undo))
    assert heard.gone == [frozenset(image.id for image in images[:2])]
    assert len(gallery.images()) == 1 and all(path.exists() for path in pictures)
    assert heard.words == ["2 pictures removed from Mine; the files stay."]
    Store.open(context.home.store).rename_gallery(gallery.id, "Ours")
    with qtbot.waitSignal(away.returned):
        heard.undo[0]()
    assert facts(gallery) == before and heard.words[-1] == "2 pictures in Mine again."


def test_the_bin_asks_once_and_is_undone(away: TakeAway, heard: Heard, gallery: Gallery, owner: QWidget, qtbot: QtBot,
                                         pictures: list[Path], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(path: Path) -> Path:
        if path.name.startswith("blue"):
            raise OSError(taking_away.NO_BIN)
        return path.rename(tmp_path / path.name)

    monkeypatch.setattr(taking_away, "to_bin", fake)
    before = facts(gallery)
    away.ask_bin(gallery.images())
    box = owner.findChild(QMessageBox)
    assert box.text() == "Move 3 pictures to the bin?"
    next(button for button in box.buttons() if "bin" in button.text()).click()
    qtbot.waitUntil(lambda: bool(heard.undo))
    assert heard.words == [f"2 pictures moved to the bin. {taking_away.AFTER_CLOSING}"]
    assert [path.exists() for path in pictures] == [False, False, True]
    assert any("blue high.png stays where it is" in box.informativeText() for box in owner.findChildren(QMessageBox))
    pictures[0].write_bytes(b"another")
    with qtbot.waitSignal(away.returned):
        heard.undo[0]()
    qtbot.waitUntil(lambda: heard.words[-1] == "1 picture put back. 1 picture failed.")
    assert pictures[0].read_bytes() == b"another" and pictures[1].exists()
    pictures[0].unlink()
    with qtbot.waitSignal(away.returned):
        heard.undo[-1]()
    assert facts(gallery) == before


def test_what_can_never_be_put_back_does_not_hide_the_steps_before_it(
        away: TakeAway, heard: Heard, gallery: Gallery, qtbot: QtBot, pictures: list[Path], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_away, "to_bin", lambda path: path.rename(tmp_path / path.name))
    away.move_to_bin(gallery.images()[:1])
    qtbot.waitUntil(lambda: len(heard.undo) == 1)
    pictures[0].write_bytes(b"another")
    for tries in range(taking_away.TRIES):
        with qtbot.waitSignal(away.returned):
            heard.undo[-1]()
        assert len(heard.undo) == min(tries + 2, taking_away.TRIES)
    assert pictures[0].read_bytes() == b"another"


@pytest.mark.skipif(sys.platform != "linux", reason="a bin of freedesktop.org")
def test_a_name_that_is_no_text_is_refused_since_another_file_would_go(tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "not" / "there"))
    odd, other = tmp_path / os.fsdecode(b"caf\xe9.jpg"), tmp_path / "caf\ufffd.jpg"
    for path in (odd, other):
        path.write_bytes(path.name.encode("utf-8", "surrogateescape"))
    with pytest.raises(OSError, match="no valid text"):
        to_bin(odd)
    assert odd.exists() and other.exists()
    assert to_bin(other).is_relative_to(tmp_path / "not" / "there"), "its folder is made"


@pytest.mark.skipif(sys.platform != "linux", reason="a bin of freedesktop.org")
def test_the_bin_of_the_desktop_says_where_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    (tmp_path / "share").mkdir()
    for content in (b"one", b"two"):
        (tmp_path / "ä b.jpg").write_bytes(content)
        place = to_bin(tmp_path / "ä b.jpg")
        assert place.read_bytes() == content and place.is_relative_to(tmp_path / "share")
        assert not (tmp_path / "ä b.jpg").exists()
    with pytest.raises(OSError, match="no bin"):
        to_bin(tmp_path / "gone.jpg")


def test_the_bar_shows_as_many_buttons_as_fit_and_all_in_its_menu(away: TakeAway, gallery: Gallery, qtbot: QtBot,
                                                                  owner: QWidget) -> None:
    more: list[Any] = []
    images, chosen = gallery.images(), gallery.images()[:2]
    bar = SelectionBar(away, lambda: chosen, dict, lambda: None, (("More like these", more.append, 2),))
    qtbot.addWidget(bar)
    bar.show_selection(1, images[0].size)
    assert not bar.isVisible() and bar.summary == ""
    bar.show_selection(2, 2000)
    bar.resize(1200, bar.sizeHint().height())
    assert bar.isVisible() and all(button.isVisible() for button in bar.buttons)
    bar.buttons[-1].click()
    assert more == [chosen]
    bar.show_selection(3, 4_100_000)
    assert bar.count.text() == "3 selected" and bar.summary == "3 selected, 4 MB"
    assert not bar.buttons[-1].isEnabled() and bar.buttons[-1].toolTip() == "For up to 2 pictures"
    shown = []
    for width in (700, 420, bar.minimumSizeHint().width()):
        bar.resize(width, bar.height())
        shown.append(sum(button.isVisible() for button in bar.buttons))
        assert bar.menu.isVisible() and bar.clear.isVisible()
    assert shown == sorted(shown, reverse=True) and shown[0] > shown[-1] == 0
    qtbot.mouseClick(bar.menu, Qt.MouseButton.LeftButton)
    menu = bar.findChild(QMenu)
    texts = [action.text().split("\t")[0] for action in menu.actions()]
    assert {"More like these", "Copy", "Copy paths", "Export list…", "Tag", "Rate", "Remove from the gallery",
            "Move to the bin…"} <= set(texts)
    menu.close()
