"""The filter of the failures: by words, kind, label, speaker, rank, word error rate, length."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.failures.misses_model import ANY_LABEL, NO_LABEL, FailureLimits, MissRow
from brewclip_app.widgets.common import button, icon_button, label, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.limits_bar import LimitsBar, offer_choices

TYPING_MS = 250


class FailureFilter(LimitsBar):
    """A bar of fields; Esc closes and clears it."""

    def __init__(self, labels: Sequence[tuple[str, str]]) -> None:
        super().__init__(FailureLimits(), TYPING_MS)
        self.words = QLineEdit()
        self.words.setPlaceholderText(_("Words or note"))
        self.words.setClearButtonEnabled(True)
        self.words.setAccessibleName(_("Words of the utterance or the note"))
        self.words.setFixedWidth(170)
        self.kind, self.label, self.speaker = _combo(_("Kind")), _combo(_("Label")), _combo(_("Speaker"))
        for words, key in ((_("Any label"), ""), (_("Labelled"), ANY_LABEL), (_("Not labelled"), NO_LABEL), *labels):
            self.label.addItem(as_shown(words), key)
        self.rank, self.wer, self.length = (
            Range(title, low, high, self._later.start) for title, low,
                                            high in ((_("Rank"), 1, 999_999), ("WER %", 0, 999),
                                                                               (_("Words"), 0, 999)))
        self._lay_out()
        self._connect()
        self.offer((), ())

    def _lay_out(self) -> None:
        flow = FlowLayout(self)
        self.clear = button(_("Clear"), self.reset)
        close = icon_button("close", _("Close the filter (Esc)"), self.close_bar, 14)
        for part in (self.words, self.kind, self.label, self.speaker, self.rank, self.wer, self.length, self.clear,
                     close):
            flow.addWidget(part)

    def _connect(self) -> None:
        self.words.textChanged.connect(lambda _unused: self._later.start())
        for combo in (self.kind, self.label, self.speaker):
            combo.currentIndexChanged.connect(lambda _unused: self._tell())

    def limits(self) -> FailureLimits:
        """The limits in the fields."""
        kind, label, speaker = (str(combo.currentData() or "") for combo in (self.kind, self.label, self.speaker))
        return FailureLimits(self.words.text().strip(), kind, label, speaker, self.rank.ends(), self.wer.ends(),
                             self.length.ends())

    def offer(self, kinds: Sequence[tuple[str, str]], rows: Sequence[MissRow]) -> None:
        """Offer the kinds (title, key) and speakers that occur; the choice stays when it is among them."""
        speakers = sorted({row.speaker for row in rows if row.speaker})
        offer_choices(self.kind, _("Any kind"), kinds)
        offer_choices(self.speaker, _("Any speaker"),
                      [(_("Speaker {name}").format(name=name), name) for name in speakers])
        self.speaker.setVisible(len(speakers) > 1)
        self.kind.setVisible(bool(kinds))
        self._tell()

    def choose_kind(self, key: str) -> None:
        """Choose a kind; "" is any."""
        self.kind.setCurrentIndex(max(0, self.kind.findData(key)))

    def reset(self) -> None:
        """Clear all fields."""
        for combo in (self.kind, self.label, self.speaker):
            combo.setCurrentIndex(0)
        for limits in (self.rank, self.wer, self.length):
            limits.reset()
        self.words.clear()
        self._tell()


class Range(QWidget):
    """Two numbers; "any" does not restrict. `changed` is called after every change."""

    def __init__(self, title: str, low: int, high: int, changed: Callable[[], object]) -> None:
        super().__init__()
        self.low, self.high = QSpinBox(), QSpinBox()
        for spin, words in ((self.low, "from"), (self.high, "to")):
            spin.setRange(low - 1, high)
            spin.setSpecialValueText(_("any"))
            spin.setValue(low - 1)
            spin.setAccessibleName(f"{title} {words}")
            spin.setFixedWidth(84)
            spin.lineEdit().setTextMargins(8, 0, 0, 0)  # a style sheet's padding does not reach the field
            spin.valueChanged.connect(lambda: changed())
        dash = label("\N{EN DASH}", "quiet-body")
        self.setLayout(row(label(title, "quiet-body"), self.low, dash, self.high, space=4))

    def ends(self) -> tuple[int | None, int | None]:
        """The ends; None where open."""
        low, high = (None if spin.value() == spin.minimum() else spin.value() for spin in (self.low, self.high))
        return low, high

    def reset(self) -> None:
        """Open both ends."""
        for spin in (self.low, self.high):
            spin.setValue(spin.minimum())


def _combo(name: str) -> QComboBox:
    combo = ElidedCombo(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return combo
