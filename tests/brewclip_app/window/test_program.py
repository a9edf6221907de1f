"""The program in a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from brewclip_app import theme
from brewclip_app.main_window import PANELS

pytestmark = pytest.mark.slow


def run_app(home, *arguments, **options):
    environment = {**os.environ, "BREWCLIP_HOME": str(home.root), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen([sys.executable, "-m", "brewclip_app", *arguments], env=environment,
                            stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("entry", PANELS, ids=[entry.key for entry in PANELS])
def test_every_panel_opens_on_a_fresh_home(home, tmp_path, entry):
    shot = tmp_path / "shot.png"
    app = run_app(home, "--panel", entry.key, "--screenshot", str(shot), "--size", "1000x640", "--theme", "dark")
    _, errors = app.communicate(timeout=120)
    assert app.returncode == 0, errors
    assert QImage(str(shot)).size() == QSize(1000, 640)
    assert not (home.root / "brewclip-app.log").exists(), (home.root / "brewclip-app.log").read_text()


def in_another_python(code):
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_nothing_heavy_is_imported_before_the_first_paint():
    heavy = {"torch", "whisper", "open_clip", "timm", "sqlalchemy", "av", "numba", "numpy", "PIL", "soundfile",
             "asyncio"}
    code = ("import sys; import brewclip_app.application, brewclip_app.panels.search; "
            f"print(sorted({heavy!r} & set(sys.modules)))")
    assert in_another_python(code) == "[]"


def test_qts_modules_are_imported_before_any_thread_runs():
    """Afterwards it can deadlock: see brewclip_app.qt_imports, whose `start` is called while jobs are held."""
    code = ("import sys; import brewclip_app.application as application; application.qt_imports.start(); "
            "qt = lambda: {name for name in sys.modules if name.startswith('PySide6.Qt')}; before = qt(); "
            "[__import__(entry.module) for entry in application.PANELS]; "
            "print(sorted(qt() - before), 'PySide6.QtDBus' in before)")
    assert in_another_python(code) == "[] True"


def test_a_gallery_on_the_command_line_opens_search_and_a_picture_changes_nothing(home, tmp_path):
    home.root.mkdir(parents=True, exist_ok=True)
    kept = '[General]\npanel=\\"settings\\"\ngallery=\\"Holiday\\"\n'
    (home.root / "window.ini").write_text(kept)
    shots = []
    for arguments in (["--gallery", "Winter"], []):
        shots.append(tmp_path / f"{len(shots)}.png")
        app = run_app(home, *arguments, "--screenshot", str(shots[-1]), "--size", "1000x640", "--theme", "light")
        _, errors = app.communicate(timeout=120)
        assert app.returncode == 0, errors
    assert (home.root / "window.ini").read_text() == kept
    found, last = (QImage(str(shot)) for shot in shots)
    chosen = theme.COLOURS["main"][0]
    assert found.pixelColor(1, 30).name() == chosen, "the mark at Search, the first button of the rail"
    assert last.pixelColor(1, 30).name() != chosen, "without a gallery the last panel, Settings, opens"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_closes_it(home):
    app = run_app(home, "--panel", "settings")
    deadline = time.monotonic() + 60
    while not (home.root / "window.ini").exists() and time.monotonic() < deadline and app.poll() is None:
        app.send_signal(0)  # the loop runs once something was kept
        time.sleep(0.05)
    app.send_signal(signal.SIGINT)
    _, errors = app.communicate(timeout=60)
    assert app.returncode == 0 and "Traceback" not in errors
