"""A combo box whose text goes on says so."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox

from brewclip_app.widgets.elided_combo import ElidedCombo

LONG = "flickr8k test · BrewCLIP (brewclip-mini-full) · white 0 dB"


def elided():
    return ElidedCombo("Evaluation")


def made(qtbot, kind, width):
    combo = kind()
    qtbot.addWidget(combo)
    combo.addItems([LONG, "short"])
    combo.resize(QSize(width, 32))
    return combo


def test_a_long_text_ends_in_an_ellipsis_and_stays_whole_in_the_list(qtbot):
    combo = made(qtbot, elided, 160)
    assert combo.shown_text().endswith("…") and combo.shown_text()[:8] == LONG[:8]
    assert combo.currentText() == LONG
    combo.setCurrentIndex(1)
    assert combo.shown_text() == "short"
    combo.setCurrentIndex(0)
    combo.resize(900, 32)
    assert combo.shown_text() == LONG


def test_a_text_that_fits_looks_as_in_any_combo_box(qtbot):
    ours, plain = (made(qtbot, kind, 900).grab().toImage() for kind in (elided, QComboBox))
    assert ours == plain
    assert made(qtbot, elided, 160).grab().toImage() != made(qtbot, QComboBox, 160).grab().toImage()


def test_a_name_is_read_out_and_items_come_with_their_data(qtbot):
    combo = ElidedCombo("Top K", [("top 1", 1), ("top 5", 5)], characters=12)
    qtbot.addWidget(combo)
    assert combo.accessibleName() == "Top K" and combo.itemData(1) == 5 and combo.minimumContentsLength() == 12
