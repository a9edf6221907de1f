"""Browsing a large gallery: listing, order, layout, frames while scrolling, latency of a key.

python -m tests.benchmarks.browsing [--pictures 20000] [--width 1180] [--height 600]
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from brewclip_app import theme
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.picture_grid.grid import PictureGrid
from core.cli.output import table
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.galleries.listing import arrange
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile
from core.store.store import Store

FILES = 200  # different pictures; the others are links to them
BATCH = 2000
STEPS = 100
SECONDS_A_PICTURE = 3.15e8  # ten years, divided by the number of pictures
BEGIN = np.datetime64("2014-03-01T08:00:00", "s")


def make_gallery(folder: Path, pictures: int) -> Gallery:
    """A gallery of pictures in a month's folders, taken in ten years."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).resize((640, 480)).save(folder / f"{number}.jpg")
    gallery = open_gallery(Store.open(folder / "store.sqlite"), "Made", create=True)
    gallery.add_folder(folder)
    taken = BEGIN + (np.arange(pictures) * (SECONDS_A_PICTURE / pictures)).astype("timedelta64[s]")
    vector = np.array([1.0], np.float32)
    for start in range(0, pictures, BATCH):
        entries = []
        for number in range(start, min(pictures, start + BATCH)):
            path = folder / str(taken[number])[:7] / f"IMG_{number:06}.jpg"
            path.parent.mkdir(exist_ok=True)
            os.link(folder / f"{number % FILES}.jpg", path)
            entries.append(IndexedFile(str(path), FileStamp(1000, 10**18), number.to_bytes(32, "big"),
                                       DecodedImageFacts(640, 480, taken[number].item()), vector))
        gallery.record(Fingerprint.of({"backbone": "made"}), entries)
    return gallery


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Time that passed, and time of the processor in this thread: the rest went to thumbnails and other programs."""
    start, busy = time.perf_counter(), time.thread_time()
    work()
    return (time.perf_counter() - start) * 1e3, (time.thread_time() - busy) * 1e3


def settle(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()


def measure(grid: PictureGrid, gallery: Gallery) -> list[tuple[str, list[tuple[float, float]]]]:
    """Names, and of each run the time that passed and that of the processor, ms."""
    bar, viewport = grid.verticalScrollBar(), grid.viewport()
    listing = gallery.listing()
    rows = [("reading the listing", [milliseconds(gallery.listing) for _ in range(3)]),
            ("sorting and grouping by month, the first time", [milliseconds(lambda: arrange(listing))])]
    arrangement = arrange(listing)
    rows.append(("showing it: model and layout", [milliseconds(lambda: grid.show_listing(listing, arrangement))]))
    rows.append(("layout after a resize", [milliseconds(grid._fit) for _ in range(5)]))

    def scroll_to(value: int) -> tuple[float, float]:
        def frame() -> None:
            bar.setValue(value)
            QApplication.processEvents()

        return milliseconds(frame)

    settle(2)
    rows.append(("frame: 40 px further", [scroll_to(40 * step) for step in range(STEPS)]))
    jumps = np.linspace(0, bar.maximum(), STEPS).astype(int)
    rows.append(("frame: jump elsewhere, thumbnails missing", [scroll_to(int(value)) for value in jumps]))
    waiting = len(grid.cards.asked)
    settle(2)
    rows.append(("frame: all of the view again, thumbnails there", [milliseconds(viewport.repaint) for _ in range(20)]))

    def press() -> None:
        QTest.keyClick(grid, Qt.Key.Key_Down)
        QApplication.processEvents()

    rows.append(("key to frame: arrow down", [milliseconds(press) for _ in range(STEPS)]))

    def press_all() -> None:
        QTest.keyClick(grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QApplication.processEvents()

    rows.append(("key to frame: Ctrl+A", [milliseconds(press_all)]))
    print(f"thumbnails waited for after {STEPS} jumps: {waiting}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=1180)
    parser.add_argument("--height", type=int, default=600)
    chosen = parser.parse_args()
    app = QApplication([])
    theme.apply(app, "light")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gallery = make_gallery(folder, chosen.pictures)
        thumbnails = Thumbnails(folder / "thumbnails")
        grid = PictureGrid(thumbnails, lambda step: None)
        grid.resize(chosen.width, chosen.height)
        grid.show()
        grid.setFocus()
        settle(0.2)
        rows = [(name, *(f"{summary(part):.1f}" for part in zip(*times, strict=True)
                         for summary in (statistics.median, max))) for name, times in measure(grid, gallery)]
        thumbnails.close()
    print(f"{chosen.pictures} pictures, a view of {chosen.width} x {chosen.height} px")
    print(table(rows, ("", "median ms", "worst ms", "median CPU ms", "worst CPU ms"), right=(1, 2, 3, 4)))


if __name__ == "__main__":
    main()
