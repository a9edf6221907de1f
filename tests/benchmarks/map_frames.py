"""The map with 100 000 made points: seconds of PCA, frames a second while it moves and zooms, memory.

python -m tests.benchmarks.map_frames [--points 100000] [--dim 512] [--umap] [--scatter]

Frames are painted offscreen into a picture of 1280 x 800. `--scatter` draws the same points with pyqtgraph's scatter
plot; `--umap` computes UMAP's layout too, which takes minutes. Times of the processor stand beside those of the clock:
on a busy machine the two differ.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from brewclip_app import theme
from brewclip_app.panels.map.state import MapSource, MapState
from brewclip_app.panels.map.view import MapView
from brewclip_app.thumbnails import Thumbnails
from core.cli.output import table
from core.mapping import projection
from core.mapping.groups import group
from core.mapping.points import MapItem, MapPoints

FRAMES = 60
SIZE = 1280, 800


def made_points(count: int, dim: int) -> MapPoints:
    """Points of twelve clusters, every second one an utterance, so that no thumbnail is drawn in the way."""
    draw = np.random.default_rng(0)
    cluster = draw.integers(0, 12, count)
    vectors = draw.standard_normal((12, dim), np.float32)[cluster] + draw.standard_normal((count, dim), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folders = group("folder", "Folder", [f"folder {number}" for number in cluster])
    assert folders is not None
    return MapPoints("made", vectors, np.ones(count, bool), np.full(count, -1),
                     tuple(MapItem(str(number)) for number in range(count)), (folders,), count)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def frames(widget: QWidget, change: Callable[[int], object]) -> list[str]:
    """Milliseconds a frame, and frames a second by the processor's time, while `change` is called before each."""
    picture = QImage(*SIZE, QImage.Format.Format_RGB32)
    QWidget.render(widget, picture)

    def paint() -> None:
        for number in range(FRAMES):
            change(number)
            QWidget.render(widget, picture)

    clock, processor = measured(paint)
    return [f"{1000 * clock / FRAMES:.1f}", f"{1000 * processor / FRAMES:.1f}", f"{FRAMES / processor:.0f}"]


def peak() -> str:
    """Peak memory of the process so far."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--umap", action="store_true")
    parser.add_argument("--scatter", action="store_true")
    asked = parser.parse_args()
    app = QApplication([])
    theme.apply(app, "light")
    points = made_points(asked.points, asked.dim)
    print(f"{len(points)} points of {asked.dim} numbers: {points.vectors.nbytes / 1e6:.0f} MB, {peak()} in all")
    made: list[projection.Projection] = []
    clock, processor = measured(lambda: made.append(projection.pca(points, False)))
    print(f"PCA: {clock:.2f} s, {processor:.2f} s of the processor; {peak()}")
    with tempfile.TemporaryDirectory() as folder:
        if asked.umap:
            clock, _ = measured(lambda: made.append(projection.umap(points, False, Path(folder))))
            print(f"UMAP: {clock:.0f} s")
        view = MapView(Thumbnails(Path(folder)))
    view.resize(*SIZE)
    view.show()
    view.render_state(MapState(source=MapSource("made", "made"), points=points, projection=made[-1], grouping="folder"))
    app.processEvents()

    def zoom(number: int) -> None:
        view.zoom(1.05 if number % 20 < 10 else 1 / 1.05)

    def renew(number: int) -> None:
        view._drawn = None

    rows = [["dragging", *frames(view, lambda number: view._look(view.camera.moved(9, 4)))],
            ["zooming", *frames(view, zoom)],
            ["all points drawn anew", *frames(view, renew)]]
    if asked.scatter:
        rows.append(["pyqtgraph, dragging", *frames(*scatter(points, made[-1].positions))])
    print(table(rows, ["", "ms a frame", "ms of the processor", "frames a second of the processor"], (1, 2, 3)))
    print(f"peak memory {peak()}")


def scatter(points: MapPoints, positions: np.ndarray) -> tuple[QWidget, Callable[[int], object]]:
    """Pyqtgraph's scatter plot of the same points, and what moves it."""
    import pyqtgraph

    plot = pyqtgraph.PlotWidget()
    plot.resize(*SIZE)
    plot.addItem(pyqtgraph.ScatterPlotItem(x=positions[:, 0], y=positions[:, 1], size=3, pen=None, pxMode=True))
    plot.show()
    QApplication.processEvents()
    return plot, lambda number: plot.getViewBox().translateBy(x=0.004, y=0.002)


if __name__ == "__main__":
    main()
