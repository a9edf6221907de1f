"""Why a picture matched: a row for each score share, and the significance in words."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.branch_bar import COLOURS, ShareBar
from brewclip_app.widgets.common import clear, label, row, rule
from brewclip_app.widgets.picture_facts import NO_BREAK
from core.search.terms import MINUS

if TYPE_CHECKING:
    from core.search.queries import Hit, MatchSignificance, ScoreShare

TRANSCRIPT, VOICE = _("Transcript"), _("Voice")  # the shares of the main spoken term


def strength_words(strength: "MatchSignificance") -> str:
    """Significance of a hit, in a sentence."""
    expected = strength.expected
    if expected < 0.001:
        return _("By chance, fewer than 1 in 1{no_break}000 such searches would show a picture that scores "
                 "this high.").format(no_break=NO_BREAK)
    if expected < 0.1:
        often = f"{round(1 / expected):,}".replace(",", NO_BREAK)
        return _("By chance, only about 1 in {often} such searches would show a picture that scores this high.").format(
            often=often)
    if expected < 0.95:
        return _("About {expected:.1f} pictures of this gallery are expected to score this high by chance.").format(
            expected=expected)
    several = ngettext("{expected} picture", "{expected} pictures",
                       round(expected)).format(expected=wording.count(round(expected)))
    are = ngettext("is", "are", round(expected))
    return _("About {several} of this gallery {are} expected to score this high by chance.").format(several=several,
                                                                                                    are=are)


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
        return _("Left out: this picture is more like it than most of the gallery, which lowers the score.")
    if value > 0:
        return _("Left out: this picture is unlike it, which raises the score.")
    return _("Left out: this picture is no more like it than the gallery is on average, so the score stays.")


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


def fill_shares(box: QVBoxLayout, hit: "Hit", names: Mapping[str, str]) -> None:
    """Show a row for each share of a hit, and their sum; `names` of terms by their labels ("− people")."""
    clear(box)
    figures = rounded_parts([share.value for share in hit.shares], hit.score)
    ends = [0.0, *(share.value for share in hit.shares)]
    for share, shown_figure in zip(hit.shares, figures, strict=True):
        minus = names.get(share.label, "").startswith(MINUS)
        box.addWidget(ShareRow(share, _name(share, names), shown_figure, min(ends), max(ends), minus))
    score, total = label(_("Score"), "strong"), figure(hit.score, "strong")
    box.addWidget(rule())
    box.addLayout(row(score, None, total))
    items = [box.itemAt(at) for at in range(box.count())]
    for part in (*(item.widget() if item is not None else None for item in items), score, total):
        if part is not None:
            part.show()  # at once: a layout counts no height of parts that are shown later
    box.invalidate()


def match_words(hit: "Hit") -> str:
    """Level and significance of a hit: "Strong match. By chance, ..."."""
    return _("{capitalize} match. {strength_words}").format(capitalize=hit.strength.level.capitalize(),
                                                            strength_words=strength_words(hit.strength))


def _name(share: "ScoreShare", names: Mapping[str, str]) -> str:
    name = names.get(share.label, share.label)
    if share.branch != "acoustic":
        return name
    return VOICE if name == TRANSCRIPT else _("{voice} of {name}").format(voice=VOICE, name=name)
