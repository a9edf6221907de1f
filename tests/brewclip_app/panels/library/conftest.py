"""Fixtures of the Library screen: the real core with a small backbone of the tests' own."""

import pytest
from PIL import Image

from brewclip_app.context import Context
from brewclip_app.panels.library.panel import LibraryPanel
from tests.brewclip_app.panels.library.fakes import Explorer
from tests.brewclip_app.panels.library.steps import settle


@pytest.fixture
def context(home, qtbot):
    made = Context(home, Explorer(home))
    yield made
    made.explorer.model.gate.set()
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "Holiday <b>2023 & more"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (40, 30), (50 * number, 90, 120)).save(folder / f"{number}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return folder


@pytest.fixture
def panel(context, qtbot):
    made = LibraryPanel(context)

    def close(panel):
        panel.closing()
        context.explorer.model.gate.set()
        context.jobs.cancel_all()
        settle(context, qtbot)

    qtbot.addWidget(made, before_close_func=close)
    made.resize(1150, 720)
    made.show()
    settle(context, qtbot)
    return made
