"""Details of the selected hit: picture, facts, score shares."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.panels.search.actions import HitActions
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from brewclip_app.widgets.common import Card, button, column, label, scrolling
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.picture_facts import breakable, facts_words
from brewclip_app.widgets.picture_grid.cards import STAR
from brewclip_app.widgets.picture_grid.model import copies_words
from brewclip_app.widgets.score_shares import fill_shares, match_words
from core.remote import shown

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

SHAPES = (0.6, 1.35)  # height of the picture's place to its width: the picture's own within these
SMALLEST = 80.0  # px, height of the picture in a low window
FACTS_SPACE = 7
MOST_OF_PANE = 0.4  # of the pane's height for the picture
LOW = 22  # lines of text; in a lower pane the buttons scroll with the facts
NARROWEST = 240


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
        self.setAccessibleName(_("Picture {name}").format(name=image.path.name) if image else _("No picture"))
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


class DetailPane(Card):
    """Follows the grid."""

    activated = Signal()  # a double click on the picture

    def __init__(self, thumbnails: Thumbnails, actions: HitActions) -> None:
        super().__init__(margin=12, space=8)
        self._hit: Hit | None = None
        self.names: Mapping[str, str] = {}  # of shares, by their label: "Transcript", "− people"
        self.picture = PictureBox(thumbnails, self.activated.emit)
        self.name = label("", "strong", wrap=True)
        self.facts = label("", "quiet", wrap=True)
        self.copies = button("", lambda: actions.list_copies(self._hit), "quiet-link",
                             tip=_("List the identical files"))
        self.copies.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tags = label("", "quiet", wrap=True)
        self.strength = label("", "quiet", wrap=True)
        for words in (self.name, self.facts):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._shares = column(space=4)
        self.more = button(_("More like this"), lambda: self._act(actions.more_like), "main")
        self.why = button(_("Why this picture?"), lambda: self._act(actions.inspect),
                          tip=_("Take the result apart (I)"))
        self.folder = button(_("Show in folder"), lambda: self._act(actions.show_in_folder))
        self.open = button(_("Open"), lambda: self._act(actions.open))
        self._buttons = QWidget()
        flow = FlowLayout(self._buttons)
        for control in (self.more, self.why, self.folder, self.open):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            flow.addWidget(control)
        self._lay_out()
        self.setMinimumWidth(NARROWEST)
        self.setAccessibleName(_("The chosen picture"))
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
        self.picture.show_image(hit.image if hit else None)
        if hit is None:
            self._fit_picture()
            return
        self.name.setText(breakable(hit.image.path))
        self.name.setToolTip(plain_tip(shown(hit.image.path)))
        self.facts.setText(facts_words(hit.image))
        self.copies.setText(copies_words(hit))
        self.copies.setVisible(hit.copies > 1)
        tags = ", ".join(hit.image.tags)
        self.tags.setText(" · ".join(filter(None,
                                            (STAR * hit.image.rating, tags and _("Tags: {tags}").format(tags=tags)))))
        self.tags.setVisible(bool(self.tags.text()))
        fill_shares(self._shares, hit, self.names)
        self.strength.setText(match_words(hit))
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

    def _act(self, action: "Callable[[Sequence[ImageRecord]], object]") -> None:
        if self._hit is not None:
            action([self._hit.image])
