"""Paths on the command line, handed to an open window; files for the desktop's menu."""

import configparser
import mimetypes
import os
import shutil
import subprocess
import sys
import tomllib
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from brewclip_app import opening
from brewclip_app.application import DESKTOP_ID, ICON
from brewclip_app.other_window import OtherWindow
from brewclip_app.panels.base import Question
from core.images import IMAGE_SUFFIXES
from tests.conftest import REPOSITORY


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    made = SimpleNamespace(folder=folder, picture=tmp_path / "a.JPG", other=tmp_path / "b.png",
                           speech=tmp_path / "a.wav")
    for path in (made.picture, made.other, made.speech):
        path.touch()
    return made


def shown(*paths):
    """What a window is asked to do with paths."""
    asked = []
    opening.show(SimpleNamespace(
        context=SimpleNamespace(indexing=SimpleNamespace(add_folder=lambda folder: asked.append(folder))),
        show_panel=lambda key, payload=None: asked.append((key, payload))), paths)
    return asked


def test_folders_go_to_the_library_and_files_to_search(files):
    assert shown(files.folder, files.picture) == [files.folder, ("library", None)]
    assert shown(files.speech, files.picture, files.other) == [
        ("search", Question(pictures=(files.picture, files.other)))]
    assert shown(files.speech) == [("search", Question(speech=files.speech))]
    assert shown(files.folder / "gone.png") == []


def test_without_a_window_nothing_is_handed_over(home, files):
    assert not opening.hand_over(home, [files.picture])
    assert not home.opening.exists()


def test_an_open_window_takes_the_paths_of_later_starts(home, files, qtbot):
    home.root.mkdir()
    home.opening.mkdir()
    (home.opening / "left.json").write_text('["/of/a/window/that/crashed"]')
    window = OtherWindow(home)
    window.look()
    requests = opening.OpenRequests(home)
    requests.start()
    received = []
    requests.received.connect(received.append)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    started = subprocess.run([sys.executable, "-m", "brewclip_app", str(files.folder), files.picture.name],
                             cwd=files.picture.parent, env={**environment, "PYTHONPATH": str(REPOSITORY)}, timeout=60)
    assert started.returncode == 0
    qtbot.waitUntil(lambda: received == [[files.folder, files.picture]])
    (home.opening / "other.json").write_text('{"no": "list"}')
    qtbot.waitUntil(lambda: not list(home.opening.iterdir()))
    assert len(received) == 1
    window.close()


def test_a_path_that_is_not_there_is_reported(home, tmp_path):
    started = subprocess.run([sys.executable, "-m", "brewclip_app", str(tmp_path / "gone")], capture_output=True,
                             text=True, timeout=60)
    assert started.returncode == 2 and f"there is no {tmp_path / 'gone'}" in started.stderr


# ---- the desktop's files

FOLDER = ICON.parent


def test_the_menu_entry_starts_the_program_with_files_and_has_an_icon():
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str
    entry.read(FOLDER / f"{DESKTOP_ID}.desktop", encoding="utf-8")
    values = entry["Desktop Entry"]
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["gui-scripts"]
    command, field = values["Exec"].split()
    assert command in scripts and field == "%F"
    assert (FOLDER / f"{values['Icon']}.svg") == ICON and ICON.is_file()
    kinds = {kind for kind in map(mimetypes.types_map.get, IMAGE_SUFFIXES) if kind}
    assert {"inode/directory", *kinds} <= set(values["MimeType"].split(";"))


def test_the_metainfo_names_the_menu_entry():
    root = ElementTree.parse(FOLDER / f"{DESKTOP_ID}.metainfo.xml").getroot()
    assert root.findtext("id") == DESKTOP_ID
    assert root.findtext("launchable") == f"{DESKTOP_ID}.desktop"


@pytest.mark.parametrize(("command", "suffix"), [
    (["desktop-file-validate"], "desktop"), (["appstreamcli", "validate", "--no-net"], "metainfo.xml")])
def test_the_desktops_own_validators_find_nothing(command, suffix):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run([*command, str(FOLDER / f"{DESKTOP_ID}.{suffix}")], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_make_installs_them_for_the_user(tmp_path):
    ended = subprocess.run(["make", "-o", ".venv/ready", "install-desktop", f"XDG_DATA_HOME={tmp_path}"],
                           cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    entry = (tmp_path / "applications" / f"{DESKTOP_ID}.desktop").read_text()
    assert f'\nExec="{REPOSITORY}/.venv/bin/brewclip-app" %F\n' in entry
    assert (tmp_path / "icons/hicolor/scalable/apps" / f"{DESKTOP_ID}.svg").is_file()
    assert (tmp_path / "metainfo" / f"{DESKTOP_ID}.metainfo.xml").is_file()
