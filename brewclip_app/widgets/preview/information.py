"""Information about the picture in front of the preview: file, date, size, tags, and why it matched."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, Qt, QTime, Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, label, look, rule, scrolling
from brewclip_app.widgets.picture_facts import DATE_SOURCES, NO_BREAK, breakable, date_words
from brewclip_app.widgets.picture_grid.cards import STAR
from brewclip_app.widgets.preview.state import PreviewState
from brewclip_app.widgets.score_shares import fill_shares, match_words
from core.remote import shown

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

WIDTH = 22  # of the average character's width
MOST_OF_VIEW = 0.4  # of the preview's width


class InformationPane(QFrame):
    """Facts of a picture; below them the score shares of a hit and a link to Inspect."""

    explain = Signal()

    def __init__(self) -> None:
        super().__init__()
        look(self, "side")
        self.names: Mapping[str, str] = {}  # of shares, by the labels of their terms
        self.can_explain = False
        self._hit: Hit | None = None
        self.name = label("", "strong", wrap=True)
        self.folder = label("", "quiet", wrap=True)
        self.date, self.pixels, self.file, self.tags, self.rating = (label("", wrap=True) for _unused in range(5))
        self.match = QWidget()
        self.shares = column(space=4)
        self.rank = label("", "heading")
        self.strength = label("", "quiet", wrap=True)
        self.why = button(_("Why this picture?"), self.explain.emit, tip=_("Take the result apart in Inspect"))
        self.why.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.match.hide()
        for words in (self.name, self.folder, self.date, self.pixels, self.file, self.tags):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = [self._fact(title, words) for title, words in (
            (_("Date"), self.date), (_("Size"), self.pixels), (_("File"), self.file), (_("Tags"), self.tags),
            (_("Rating"), self.rating))]
        self.match.setLayout(column(rule(), self.rank, self.shares, self.strength, space=7))
        inside = QWidget()
        layout = column(self.name, self.folder, 4, *self._facts, 4, self.match, self.why, None, space=7)
        layout.setContentsMargins(16, 14, 16, 16)
        inside.setLayout(layout)
        self.area = look(scrolling(inside), "side")
        self.area.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the picture
        self.area.setAccessibleName(_("Information about the picture"))
        self.setLayout(column(self.area))
        theme.changed.connect(self._apply_theme)

    @staticmethod
    def _fact(title: str, words: QLabel) -> QWidget:
        box = QWidget()
        box.setLayout(column(label(title, "quiet"), words, space=0))
        return box

    def width_in(self, room: int) -> int:
        """Width of the pane in a preview of that width."""
        return round(min(WIDTH * self.fontMetrics().averageCharWidth() * 2, MOST_OF_VIEW * room))

    def render_state(self, state: PreviewState) -> None:
        """Show the picture of a state; it may not be read yet."""
        image = state.image
        self.why.setVisible(self.can_explain and image is not None)
        self._show_hit(state.hit)
        for part in (self.name, self.folder, *self._facts):
            part.setVisible(image is not None)
        if image is not None:
            self._show_image(image)

    def _show_image(self, image: "ImageRecord") -> None:
        self.name.setText(breakable(image.path))
        self.name.setToolTip(plain_tip(shown(image.path)))
        self.folder.setText(shown(image.path.parent).replace("/", "/\N{ZERO WIDTH SPACE}"))
        moment, source = image.dated
        time = QLocale().toString(QTime(moment.hour, moment.minute), QLocale.FormatType.ShortFormat)
        self.date.setText(f"{date_words(moment)}, {time} ({DATE_SOURCES[source]})")
        millions = image.width * image.height / 1e6
        self.pixels.setText(_("{width}{no_break}×{no_break}{height} pixels").format(width=image.width,
                                                                                    no_break=NO_BREAK,
                                                                                    height=image.height) +
                          (_(" · {millions:.1f}{no_break}megapixels").format(millions=millions, no_break=NO_BREAK)
                           if millions >= 0.1 else ""))
        size = wording.size(image.size) if image.size else ""
        self.file.setText(" · ".join(filter(None, (image.path.suffix.lstrip(".").upper(), size))))
        self.tags.setText(", ".join(image.tags))
        self._facts[1].setVisible(bool(image.width))
        self.rating.setText(STAR * image.rating)
        self._facts[3].setVisible(bool(image.tags))
        self._facts[4].setVisible(image.rating > 0)

    def _show_hit(self, hit: "Hit | None") -> None:
        if hit is self._hit:
            return
        self._hit = hit
        self.match.setVisible(hit is not None)
        if hit is not None:
            self.rank.setText(_("Why it matched · rank {rank}").format(rank=hit.rank))
            self.strength.setText(match_words(hit))
            fill_shares(self.shares, hit, self.names)

    def _apply_theme(self) -> None:
        hit, self._hit = self._hit, None
        self._show_hit(hit)
