"""Fixtures of the Library screen: the real core with a small backbone of the tests' own."""

import threading

import numpy as np
import pytest
from PIL import Image

from brewclip_app.context import Context
from brewclip_app.panels.library.panel import LibraryPanel
from core import explorer
from core.fingerprint import Fingerprint
from core.indexing.local import index_folder, index_gallery
from core.indexing.unfinished import UnfinishedRuns
from core.store.store import Store
from tests.brewclip_app.panels.library.steps import settle


class Backbone:
    dim, image_size, name = 4, 8, "tiny"

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()

    def encode_images(self, pixels):
        assert self.gate.wait(20)
        return np.stack([pixels.mean((1, 2, 3)), *pixels.mean((1, 2)).T], axis=1).astype(np.float32) + 1

    def fingerprint(self, crop):
        return Fingerprint.of({"backbone": self.name, "weights": "0", "checkpoint": "none", "crop": crop})


class Explorer:
    """What the panel uses of `core.explorer.Explorer`, without pretrained weights."""

    def __init__(self, home):
        self.home, self.model, self.crop = home, Backbone(), "centre"
        self.store = Store.open(home.store)
        self.unfinished = UnfinishedRuns(home.unfinished)

    gallery, addresses = explorer.Explorer.gallery, explorer.Explorer.addresses
    open_address, close_address = explorer.Explorer.open_address, explorer.Explorer.close_address
    copy_gallery, _reachable = explorer.Explorer.copy_gallery, explorer.Explorer._reachable

    def fingerprint(self):
        return self.model.fingerprint(self.crop)

    def index(self, folder, gallery, report):
        target = self.gallery(gallery, create=True)

        def work(found):
            if folder is None:
                return index_gallery(target, self.model, self.crop, report=report, found=found)
            return index_folder(target, folder, self.model, self.crop, report=report, found=found)

        return self.unfinished.run(target.info, work)

    def use_settings(self, settings):
        self.crop = settings["vision.crop"]

    def close(self):
        self.store.close()


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
