"""Thin progress line that keeps its place while hidden, so that nothing moves."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from brewclip_app.widgets.common import ElidedLabel, icon_button, row
from core.progress import Progress, WorkStep

BAR_WIDTH = 160


class ProgressLine(QWidget):
    """A step, a bar and a button that stops it."""

    def __init__(self, stop: Callable[[], object]) -> None:
        super().__init__()
        self.title = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.cancel = icon_button("close", "Stop (Esc)", stop, side=10)
        self.cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cancel.setStyleSheet("padding: 1px;")
        whole = row(self.title, self.bar, self.cancel, None, space=8)
        self.setLayout(whole)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.setFixedHeight(max(18, self.title.sizeHint().height()))

    def set_progress(self, progress: Progress) -> None:
        """Show the progress of a search."""
        (done, total), step = progress.bar, progress.title or WorkStep.SEARCHING.value
        self.title.setText(step)
        self.bar.setAccessibleName(step)
        self.bar.setRange(0, 1000 if total > 0 else 0)
        if total > 0:
            self.bar.setValue(round(1000 * min(done, total) / total))
