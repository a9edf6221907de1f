"""Details of the selected hit: picture, facts, score shares."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QLocale, QRect, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from brewclip_app import theme, wording
from brewclip_app.panels.search.actions import HitActions
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from brewclip_app.widgets.branch_bar import COLOURS, ShareBar
from brewclip_app.widgets.common import Card, button, clear, column, label, row, rule, scrolling
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.picture_grid.model import copies_words
from core.remote import shown

if TYPE_CHECKING:
    from core.search.queries import Hit, MatchSignificance, ScoreShare
    from core.store.records import ImageRecord

MINUS = "\N{MINUS SIGN}"
SHAPES = (0.6, 1.35)  # height of the picture's place to its width: the picture's own within these
SMALLEST = 80.0  # px, height of the picture in a low window
FACTS_SPACE = 7
MOST_OF_PANE = 0.4  # of the pane's height for the picture
LOW = 22  # lines of text; in a lower pane the buttons scroll with the facts
NARROWEST = 240
TRANSCRIPT, VOICE = "Transcript", "Voice"  # the shares of the main spoken term
NO_BREAK = "\N{NO-BREAK SPACE}"


def strength_words(strength: "MatchSignificance") -> str:
    """Significance of a hit, in a sentence."""
    expected = strength.expected
    if expected < 0.001:
        return f"By chance, fewer than 1 in 1{NO_BREAK}000 such searches would show a picture that scores this high."
    if expected < 0.1:
        often = f"{round(1 / expected):,}".replace(",", NO_BREAK)
        return f"By chance, only about 1 in {often} such searches would show a picture that scores this high."
    if expected < 0.95:
        return f"About {expected:.1f} pictures of this gallery are expected to score this high by chance."
    several = "1 picture" if round(expected) == 1 else f"{wording.count(round(expected))} pictures"
    are = "is" if round(expected) == 1 else "are"
    return f"About {several} of this gallery {are} expected to score this high by chance."


DATE_SOURCES = {"taken": "taken", "file": "file date"}


def date_words(moment: datetime) -> str:
    """A date as the system's language writes it: "12 Jan 2024"."""
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), "d MMM yyyy")


def facts_words(image: "ImageRecord") -> str:
    """ "winter / january · taken 12 Jan 2024 · 500 × 375"; lines break between the facts, not within one."""
    folders = " / ".join(image.path.parent.parts[-2:]).lstrip("/ ")
    date, source = image.dated
    facts = (f"{DATE_SOURCES[source]} {date_words(date)}", f"{image.width} × {image.height}")
    return f"{NO_BREAK}· ".join(filter(None, (folders, *(fact.replace(" ", NO_BREAK) for fact in facts))))


class PictureBox(QWidget):
    """One picture, whole, on a mat."""

    def __init__(self, thumbnails: Thumbnails, on_double_click: Callable[[], object]) -> None:
        super().__init__()
        self._thumbnails, self._on_double_click = thumbnails, on_double_click
        self._image: ImageRecord | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.ready.connect(self._arrived)
        theme.changed.connect(self.update)

    def show_image(self, image: "ImageRecord | None") -> None:
        """Show another picture."""
        self._image = image
        self.setAccessibleName(f"Picture {image.path.name}" if image else "No picture")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(NARROWEST, NARROWEST)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, round(SMALLEST))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._on_double_click()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(self.rect(), 7, 7)
        painter.setClipPath(path)
        painter.fillRect(self.rect(), theme.colour("track"))
        if self._image is not None:
            pixels = round(max(self.width(), self.height()) * self.devicePixelRatioF())
            small = self._thumbnails.get(self._image, pixels) or self._thumbnails.best_now(self._image)
            draw_fitted(painter, QRect(self.rect()), small)
        painter.end()

    def _arrived(self, image_id: int) -> None:
        if self._image is not None and self._image.id == image_id:
            self.update()


class ShareRow(QWidget):
    """A bar, a name, a figure. `shown` is the figure, rounded so that the rows add up to the score.

    `lowest` and `highest` are the ends of the bars; `minus`: the share is that of a minus term.
    """

    def __init__(self, share: "ScoreShare", words: str, shown: float, lowest: float, highest: float,
                 minus: bool) -> None:
        super().__init__()
        ink = "care" if minus else COLOURS[share.branch]
        self.bar = ShareBar(share.value, lowest, highest, ink)
        name = label(words, "care" if minus else "", wrap=True)
        self.setLayout(row(self.bar, name, figure(shown), space=10))
        self.setAccessibleName(f"{words}: {shown:.2f}")
        if minus:
            self.setToolTip(plain_tip(minus_words(share.value)))


def minus_words(value: float) -> str:
    """Tip of a minus term's share; only a query of minus terms alone raises a hit."""
    if value < 0:
        return "Left out: this picture is more like it than most of the gallery, which lowers the score."
    if value > 0:
        return "Left out: this picture is unlike it, which raises the score."
    return "Left out: this picture is no more like it than the gallery is on average, so the score stays."


def rounded_parts(values: Sequence[float], total: float, digits: int = 2) -> list[float]:
    """Values rounded so that they add up to the rounded total: the largest remainders are rounded up."""
    unit = 10 ** -digits
    lower = [math.floor(value / unit) for value in values]
    missing = round(total / unit) - sum(lower)
    order = sorted(range(len(values)), key=lambda at: lower[at] - values[at] / unit)
    for at in order[:max(0, min(missing, len(values)))]:
        lower[at] += 1
    return [round(steps * unit, digits) for steps in lower]


def figure(value: float, look: str = "") -> QLabel:
    """A figure with two digits, right-aligned."""
    number = label(f"{value:.2f}".replace("-", "\N{MINUS SIGN}"), look)
    number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    number.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
    return number


class DetailPane(Card):
    """Follows the grid."""

    def __init__(self, thumbnails: Thumbnails, actions: HitActions) -> None:
        super().__init__(margin=12, space=8)
        self._hit: Hit | None = None
        self.names: Mapping[str, str] = {}  # of shares, by their label: "Transcript", "− people"
        self.picture = PictureBox(thumbnails, lambda: self._act(actions.open))
        self.name = label("", "strong", wrap=True)
        self.facts = label("", "quiet", wrap=True)
        self.copies = button("", lambda: actions.list_copies(self._hit), "quiet-link", tip="List the identical files")
        self.copies.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tags = label("", "quiet", wrap=True)
        self.strength = label("", "quiet", wrap=True)
        for words in (self.name, self.facts):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._shares = column(space=4)
        self.more = button("More like this", lambda: self._act(actions.more_like), "main")
        self.why = button("Why this picture?", lambda: self._act(actions.inspect), tip="Take the result apart (I)")
        self.folder = button("Show in folder", lambda: self._act(actions.show_in_folder))
        self.open = button("Open", lambda: self._act(actions.open))
        self._buttons = QWidget()
        flow = FlowLayout(self._buttons)
        for control in (self.more, self.why, self.folder, self.open):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            flow.addWidget(control)
        self._lay_out()
        self.setMinimumWidth(NARROWEST)
        self.setAccessibleName("The chosen picture")
        theme.changed.connect(self._apply_theme)  # a lambda would be called when the pane has gone
        self.show_hit(None)

    def _lay_out(self) -> None:
        facts = QWidget()
        self._facts = column(self.name, self.facts, self.copies, self.tags, self._shares, self.strength, None,
                             space=FACTS_SPACE)
        facts.setLayout(self._facts)
        scroll = scrolling(facts)
        self._scroll = scroll
        self.body.addWidget(self.picture)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self._buttons)

    def show_hit(self, hit: "Hit | None") -> None:
        """Show another hit; None empties the pane."""
        self._hit = hit
        for part in (self._scroll, self._buttons):
            part.setVisible(hit is not None)
        clear(self._shares)
        self.picture.show_image(hit.image if hit else None)
        if hit is None:
            self._fit_picture()
            return
        self.name.setText(breakable(hit.image.path))
        self.name.setToolTip(plain_tip(shown(hit.image.path)))
        self.facts.setText(facts_words(hit.image))
        self.copies.setText(copies_words(hit))
        self.copies.setVisible(hit.copies > 1)
        self.tags.setText("Tags: " + ", ".join(hit.image.tags))
        self.tags.setVisible(bool(hit.image.tags))
        figures = rounded_parts([share.value for share in hit.shares], hit.score)
        ends = [0.0, *(share.value for share in hit.shares)]
        for share, shown_figure in zip(hit.shares, figures, strict=True):
            minus = self.names.get(share.label, "").startswith(MINUS)
            self._shares.addWidget(ShareRow(share, self._name(share), shown_figure, min(ends), max(ends), minus))
        score, total = label("Score", "strong"), figure(hit.score, "strong")
        self._shares.addWidget(rule())
        self._shares.addLayout(row(score, None, total))
        items = [self._shares.itemAt(at) for at in range(self._shares.count())]
        for row_of_pane in (*(item.widget() if item is not None else None for item in items), score, total):
            if row_of_pane is not None:
                row_of_pane.show()  # at once: a layout counts no height of parts that are shown later
        self._shares.invalidate()
        self.strength.setText(f"{hit.strength.level.capitalize()} match. {strength_words(hit.strength)}")
        self._fit_picture()

    def _apply_theme(self) -> None:
        self.show_hit(self._hit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_picture()

    def _fit_picture(self) -> None:
        """The picture's own shape, as far as the facts keep their room; in a low pane it gives way to them."""
        low = self._hit is not None and self.height() < LOW * self.fontMetrics().height()
        self._place_buttons(low)
        image = self._hit.image if self._hit is not None else None
        own = image.height / image.width if image is not None and image.width else 1.0
        height = self.picture.width() * min(SHAPES[1], max(SHAPES[0], own))
        height = min(height, self.height() * MOST_OF_PANE, self._left_over())
        self.picture.setVisible(not low or height >= SMALLEST)
        self.picture.setFixedHeight(round(max(SMALLEST, height)))

    def _place_buttons(self, low: bool) -> None:
        box, other = (self._facts, self.body) if low else (self.body, self._facts)
        if box.indexOf(self._buttons) < 0:
            other.removeWidget(self._buttons)
            box.addWidget(self._buttons)

    def _left_over(self) -> int:
        """The height that a picture may have while the facts down to the match's words need no scrolling."""
        if self._hit is None:
            return self.height()
        width = self._scroll.viewport().width()
        words = [part for part in (self.name, self.facts, self.copies, self.tags, self.strength)
                 if not part.isHidden()]
        for part in words:
            part.ensurePolished()  # the style sheet's size, also before it was shown
        heights = [part.heightForWidth(width) if part.hasHeightForWidth() else part.sizeHint().height()
                   for part in words]
        facts = sum(heights) + FACTS_SPACE * len(heights) + max(
            self._shares.sizeHint().height(), self._shares.heightForWidth(width))
        margins = self.body.contentsMargins()
        buttons = max(self._buttons.heightForWidth(width), self._buttons.sizeHint().height())
        if self._facts.indexOf(self._buttons) >= 0:
            buttons = 0
        return self.height() - margins.top() - margins.bottom() - 2 * self.body.spacing() - facts - buttons

    def _name(self, share: "ScoreShare") -> str:
        name = self.names.get(share.label, share.label)
        if share.branch != "acoustic":
            return name
        return VOICE if name == TRANSCRIPT else f"{VOICE} of {name}"

    def _act(self, action: "Callable[[Sequence[ImageRecord]], object]") -> None:
        if self._hit is not None:
            action([self._hit.image])


def breakable(path: Path) -> str:
    """A file name that a label may break after each part of it: long names have no blanks."""
    name = path.name
    for mark in "_-.":
        name = name.replace(mark, f"{mark}\N{ZERO WIDTH SPACE}")
    return name
