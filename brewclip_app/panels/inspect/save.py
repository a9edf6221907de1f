"""Saving an explanation as one picture: maps, words, voice and figures; two cases stand side by side."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from brewclip_app.panels.inspect.branch_table import share_words
from brewclip_app.panels.inspect.case import InspectCase
from brewclip_app.panels.inspect.parts import branch_rows
from core.progress import Report

if TYPE_CHECKING:
    from PIL.Image import Image

    from brewclip_app.context import Context
    from core.explain.observation import Target


class PictureSaver(QObject):
    """Asks where to, draws and writes in a job."""

    said = Signal(str)

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner

    def ask(self, draw: "Callable[[], Image]", name: str) -> None:
        """Let the user choose a file."""
        dialog = QFileDialog(self._owner, "Save the explanation")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["Pictures (*.png)"])
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"{name} explained.png")
        dialog.fileSelected.connect(lambda chosen: self.save(draw, Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, draw: "Callable[[], Image]", path: Path) -> None:
        """Draw and write; the end is said, good or bad."""
        def work(report: Report) -> None:
            draw().save(path, "PNG")

        self._context.jobs.submit(f"Saving {path.name}", work, key="inspect-save",
                                  on_done=lambda _: self.said.emit(f"Saved as {path}."),
                                  on_failed=lambda error: self.said.emit(f"{path} was not written: {_why(error)}."))


def explanation(cases: Sequence[InspectCase], target: "Target", method: str, trust: Mapping[str, tuple[float, float]],
                limit: float) -> "Image":
    """The picture of one or more cases; `trust` are the figures of the first case's map, by method."""
    from PIL import Image

    drawn = [_one(case, target, method, trust if case is cases[0] else {}, limit) for case in cases]
    if len(drawn) == 1:
        return drawn[0]
    whole = Image.new("RGB", (sum(each.width for each in drawn), max(each.height for each in drawn)),
                      drawn[0].getpixel((0, 0)))
    left = 0
    for each in drawn:
        whole.paste(each, (left, 0))
        left += each.width
    return whole


def _one(case: InspectCase, target: "Target", method: str, trust: Mapping[str, tuple[float, float]],
         limit: float) -> "Image":
    from core import images
    from core.explain.figure import FigureRow, figure
    from core.explain.methods import BY_NAME

    picture = images.read(case.path, limit).rgb
    rows = [FigureRow(each.name, share_words(each.share) + (f", rank {each.rank}" if each.rank else ""))
            for each in branch_rows(case)]
    rows += [FigureRow(f"Deletion / insertion, {title}", f"{deletion:.3f} / {insertion:.3f}")
             for title, (deletion, insertion) in trust.items()]
    rows += [FigureRow("Map", BY_NAME[method].title), FigureRow("Model", case.sight.lens.title)]
    title = f"“{case.text or 'spoken query'}” → {case.path.name}"
    return figure(picture, case.sight.placement, case.maps(target, method), title, rows, case.waveform)


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error)
