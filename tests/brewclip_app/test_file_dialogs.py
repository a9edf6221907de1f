"""Dialogs for files begin where the last one of their kind ended."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget

from brewclip_app.state import WindowState
from brewclip_app.widgets import file_dialogs


@pytest.fixture
def parent(qtbot, home, monkeypatch):
    monkeypatch.setattr(file_dialogs, "_memory", None)
    file_dialogs.remember_in(WindowState(home))
    made = QWidget()
    qtbot.addWidget(made)
    return made


def began_at(dialog):
    folder = Path(dialog.directory().absolutePath())
    dialog.reject()
    return folder


def test_a_dialog_begins_where_the_last_of_its_kind_ended(parent, tmp_path, home):
    dataset = tmp_path / "data" / "flickr"
    dataset.mkdir(parents=True)
    taken = []
    first = file_dialogs.ask_folder(parent, "dataset", "A dataset's folder", taken.append)
    assert Path(first.directory().absolutePath()) == Path.home()
    first.fileSelected.emit(str(dataset))
    first.reject()
    assert taken == [dataset]
    assert began_at(file_dialogs.ask_folder(parent, "dataset", "Another", taken.append, tmp_path)) == dataset.parent
    assert began_at(file_dialogs.ask_folder(parent, "model", "A run's folder", taken.append, tmp_path)) == tmp_path
    file_dialogs.remember_in(WindowState(home))  # the next start
    assert began_at(file_dialogs.ask_target(parent, "dataset", "Save", "table.csv", taken.append)) == dataset.parent


def test_a_folder_that_is_gone_is_forgotten(parent, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    file_dialogs.ask_file(parent, "picture", "A picture", ["All files (*)"], print).fileSelected.emit(str(gone / "x"))
    gone.rmdir()
    assert began_at(file_dialogs.ask_file(parent, "picture", "A picture", ["All files (*)"], print)) == Path.home()


def test_a_file_to_be_written_has_a_name_and_its_suffix(parent, qtbot):
    dialog = file_dialogs.ask_target(parent, "export", "Save the table as", "table-1.md", print)
    assert dialog.defaultSuffix() == "md" and Path(dialog.selectedFiles()[0]).name == "table-1.md"
    dialog.reject()
