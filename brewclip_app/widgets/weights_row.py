"""Row of weights: name, state and download."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, localised
from brewclip_app.plain_text import plain_tip
from brewclip_app.services.downloads import DownloadsState
from brewclip_app.widgets.common import Card, ProgressRow, button, column, label, row, rule
from core.pretrained.weight_table import RECALL_SOURCE
from core.progress import Progress, time_left

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.weights import Weights


class WeightsRow(QWidget):
    """Follows `context.downloads`."""

    def __init__(self, context: "Context", weights: "Weights", optional: bool = False) -> None:
        super().__init__()
        self._downloads, self._weights = context.downloads, weights
        self._pace = wording.SpeedMeter()
        recall = "" if weights.recall is None else _("recall {recall:.1f} %").format(recall=weights.recall)
        facts = [wording.size(weights.size) if weights.size else "", weights.licence, weights.languages, recall,
                 "optional" if optional else ""]
        self.progress = ProgressRow(weights.title, " · ".join(filter(None, facts)))
        self.about = label(weights.about, "quiet", wrap=True)
        if recall:
            self.progress.setToolTip(plain_tip(_("Zero-shot recall, {recall_source}").format(
                recall_source=RECALL_SOURCE)))
        self.progress.cancelled.connect(lambda: self._downloads.cancel(weights.name))
        self.state = label("", "quiet")
        self.get = button(_("Get it"), self._get)
        self.get.setAccessibleName(_("Get {title}, {size}").format(title=weights.title,
                                                                   size=wording.size(weights.size)))
        self.error = label("", "error", wrap=True)
        self.fold = button(_("Details"), self._turn_fold, "quiet-link")
        self.details = label("", "quiet", wrap=True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        upper = row(column(self.progress, self.about, space=2), self.state, self.get, space=10)
        upper.setStretch(0, 1)
        self.setLayout(column(upper, self.error, self.fold, self.details, space=4))
        self._downloads.changed.connect(self._render)
        self._render(self._downloads.state)

    def _get(self) -> None:
        self._pace = wording.SpeedMeter()
        self._downloads.start(self._weights.name)

    def _render(self, state: DownloadsState) -> None:
        name = self._weights.name
        progress, error = state.running.get(name), state.errors.get(name)
        is_local = self._weights.bundled or state.path(name) is not None
        for part in (self.progress.bar, self.progress.cancel, self.progress.detail):
            part.setVisible(progress is not None)
        self.get.setVisible(progress is None and not is_local and state.files is not None)
        self.get.setText(_("Try again") if error else _("Get it"))
        place = _("comes with the program") if self._weights.bundled else _("on this computer")
        self.state.setText(place if is_local else "")
        self.state.setVisible(is_local and progress is None)
        if progress is not None:
            self._show_progress(progress)
        self._show_error(error)

    def _show_progress(self, progress: Progress) -> None:
        done, total, text = progress.done, progress.total, progress.title
        self._pace.add(done)
        if total <= 0 or done >= total:
            self.progress.set_progress(done, total, text or _("Asking for it"))
            return
        words = [self._downloads.amount(self._weights.name)]
        if self._pace.a_second > 0:
            words += [f"{wording.size(self._pace.a_second)}/s", time_left(self._pace.left(total) or 0)]
        self.progress.set_progress(done, total, " · ".join(words))
        self.progress.setToolTip(plain_tip(text))

    def _show_error(self, error: BaseException | None) -> None:
        sentences = localised(error).split("\n", 1) if error else []
        self.error.setText(sentences[0] if sentences else "")
        self.error.setVisible(bool(sentences))
        self.details.setText(sentences[1].strip() if len(sentences) > 1 else "")
        self.fold.setVisible(bool(self.details.text()))
        if not self.details.text():
            self.details.hide()

    def _turn_fold(self) -> None:
        self.details.setVisible(self.details.isHidden())


class WeightsCard(Card):
    """Several weights under each other."""

    def __init__(self, context: "Context", names: tuple[str, ...] = (), title: str = "",
                 first_start: bool = False) -> None:
        super().__init__(title, space=10)
        table = context.downloads.table()
        shown = [weights for weights in table if not names or weights.name in names]
        self.rows: dict[str, WeightsRow] = {}
        for number, weights in enumerate(shown):
            if number:
                self.body.addWidget(rule())
            line = WeightsRow(context, weights, optional=first_start and weights.kind != "speech")
            self.rows[weights.name] = line
            self.body.addWidget(line)


