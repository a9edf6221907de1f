"""The style sheet, written from the table of colours. Widgets choose a look by their dynamic property `look`."""

from collections.abc import Mapping


def style_sheet(colours: Mapping[str, str], sizes: Mapping[str, str], marks: Mapping[str, str]) -> str:
    """Qt style sheet for the whole application. `sizes` are such as "9.75pt", `marks` are paths of small pictures."""
    sheet = "\n".join((_SURFACES, _WORDS, _BUTTONS, _FIELDS, _LISTS, _MOVING, _WINDOW))
    for prefix, table in (("@", colours), ("#size-", sizes), ("$", marks)):
        for name in sorted(table, key=len, reverse=True):  # "good_words" before "good"
            sheet = sheet.replace(prefix + name, table[name])
    return sheet


_SURFACES = """
QMainWindow, QDialog, QWidget[look="ground"] { background: @ground; }
QFrame[look="card"] { background: @card; border: 1px solid @line; border-radius: 10px; }
QFrame[look="rule"] { background: @line; border: none; min-height: 1px; max-height: 1px; }
QFrame[look="chosen"] { background: @chosen; border: none; border-radius: 5px; }
QWidget[look="compared"] { background: @card; border: 1px solid @line; border-radius: 10px; }
QWidget[look="compared"][kept="true"] { border: 2px solid @main; }
QFrame[look="mat"] { background: @track; border: none; border-radius: 7px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QToolTip { background: @card; color: @words; border: 1px solid @line; padding: 4px 6px; }
QFrame[look="banner"] { background: @card; border: 1px solid @line; border-radius: 10px; }
QFrame[look="banner"][kind="error"] { border: 1px solid @record; }
QFrame[look="banner"][kind="care"] { border: 1px solid @care; }
QFrame[look="banner"][kind="good"] { border: 1px solid @good; }
QFrame[look="drop"] { background: transparent; border: 2px dashed @main; border-radius: 10px; }
"""
_WORDS = """
QLabel { background: transparent; border: none; }
QLabel[look="title"] { font-size: #size-title; font-weight: 600; }
QLabel[look="transcript"] { font-size: #size-transcript; }
QLabel[look="heading"] { color: @quiet; font-weight: 600; }
QLabel[look="strong"] { font-weight: 600; }
QLabel[look="quiet"] { color: @quiet; font-size: #size-quiet; }
QLabel[look="quiet-body"] { color: @quiet; }
QLabel[look="good"] { color: @good_words; }
QLabel[look="care"] { color: @care_words; }
QLabel[look="error"] { color: @record_words; }
QLabel[look="changed"] { color: @main; font-weight: 600; }
QLabel[look="pill"] { background: @track; color: @quiet; border-radius: 9px; padding: 2px 9px; font-size: #size-quiet; }
QLabel[look="key"] { background: @card; border: 1px solid @line; border-radius: 4px; padding: 1px 5px;
    font-size: #size-quiet; }
QLabel[look="problem"] { color: @record_words; font-size: #size-quiet; }
QLabel[look="readout"] { background: @card; border: 1px solid @line; border-radius: 7px; padding: 5px 8px;
    font-size: #size-quiet; }
QLabel[look="round"] { background: @track; border-radius: 30px; }
"""
_BUTTONS = """
QPushButton { background: @card; color: @words; border: 1px solid @line; border-radius: 7px; padding: 6px 11px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @track; }
QPushButton:disabled { color: @quiet; background: @ground; }
QPushButton:focus { border: 1px solid @main; outline: none; }
QPushButton:checked { background: @chosen; border: 1px solid @main; }
QPushButton[look="main"] { background: @main; color: @on_main; border: 1px solid @main; }
QPushButton[look="main"]:hover { background: @main_hover; }
QPushButton[look="main"]:focus { border: 2px solid @words; padding: 5px 10px; }
QPushButton[look="main"]:disabled { background: @track; color: @quiet; border: 1px solid @line; }
QPushButton[look="danger"] { color: @record_words; }
QPushButton[look="danger"]:hover { border: 1px solid @record; }
QPushButton[look="danger"]:disabled { color: @quiet; }
QPushButton[large="true"] { padding: 9px 18px; }
QPushButton[look="link"], QPushButton[look="quiet-link"] { background: transparent; border: 1px solid transparent;
    border-radius: 4px; padding: 1px 2px; text-align: left; text-decoration: underline; }
QPushButton[look="quiet-link"] { color: @quiet; font-size: #size-quiet; }
QPushButton[look="care-link"] { background: transparent; color: @care_words; border: 1px solid transparent;
    border-radius: 4px; padding: 1px 2px; text-align: left; text-decoration: underline; font-size: #size-quiet; }
QPushButton[look="care-link"]:focus { border: 1px solid @main; }
QPushButton[look="link"]:focus, QPushButton[look="quiet-link"]:focus { border: 1px solid @main; }
QPushButton[look="chip"] { background: @track; border: 1px solid transparent; border-radius: 11px; padding: 2px 10px;
    font-size: #size-quiet; }
QPushButton[look="chip"]:hover, QPushButton[look="chip"]:focus { border: 1px solid @main; }
QPushButton[look="news"] { background: @chosen; border: 1px solid transparent; border-radius: 10px; padding: 4px 10px;
    font-size: #size-quiet; }
QPushButton[look="news"]:hover, QPushButton[look="news"]:focus { border: 1px solid @main; }
QPushButton[look="tick"] { padding: 3px 9px; border-radius: 6px; }
QPushButton::menu-indicator { image: none; width: 0; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 7px; padding: 4px; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @track; }
QToolButton:focus { border: 1px solid @main; }
QToolButton[look="on-picture"] { background: @card; border: 1px solid @line; border-radius: 9px; padding: 2px; }
QToolButton[look="on-picture"]:hover { background: @hover; }
QToolButton[look="on-picture"]:focus { border: 1px solid @main; }
QToolButton::menu-indicator { image: none; width: 0; }
"""
_FIELDS = """
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: @card; color: @words;
    border: 1px solid @line; border-radius: 7px; padding: 6px 10px; selection-background-color: @main;
    selection-color: @on_main; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
QComboBox:on { border: 1px solid @main; }
QSpinBox > QLineEdit, QDoubleSpinBox > QLineEdit, QComboBox > QLineEdit { border: none; padding: 0;
    background: transparent; }
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled { color: @quiet; background: @ground; }
QLineEdit[look="transcript"] { font-size: #size-transcript; border: 1px solid transparent; padding: 2px 4px; }
QLineEdit[look="transcript"]:hover { border: 1px solid @line; }
QLineEdit[look="changed"], QComboBox[look="changed"] { border: 1px solid @main; }
QLineEdit[look="wrong"] { border: 1px solid @record; }
QLineEdit[look="transcript"]:focus { border: 1px solid @main; }
QPlainTextEdit[look="details"] { background: @ground; font-size: #size-quiet; font-family: monospace; }
QComboBox { padding-right: 4px; }
QComboBox[look="heading"] { background: transparent; border: 1px solid transparent; color: @quiet; font-weight: 600;
    padding: 2px 6px; }
QComboBox[look="heading"]::drop-down { border: none; width: 16px; }
QComboBox[look="heading"]:hover { background: @hover; }
QComboBox[look="heading"]:focus { border: 1px solid @main; }
QComboBox[look="small"] { padding: 2px 4px 2px 8px; font-size: #size-quiet; }
QComboBox::drop-down { border: none; width: 26px; }
QComboBox::down-arrow { image: url($chevron); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: @card; border: 1px solid @line; padding: 4px; outline: none;
    selection-background-color: @chosen; selection-color: @words; }
QSpinBox, QDoubleSpinBox { padding-right: 22px; padding-left: 8px; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-position: top right; border: none; width: 20px; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-position: bottom right; border: none; width: 20px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url($up); width: 11px; height: 11px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url($chevron); width: 11px; height: 11px; }
QCheckBox { spacing: 8px; background: transparent; }
QCheckBox::indicator, QTableView::indicator { width: 16px; height: 16px; border: 1px solid @quiet; border-radius: 4px;
    background: @card; }
QCheckBox::indicator:checked, QTableView::indicator:checked { background: @main; border: 1px solid @main;
    image: url($check); }
QCheckBox::indicator:focus, QCheckBox::indicator:hover { border: 2px solid @main; width: 14px; height: 14px; }
"""
_LISTS = """
QAbstractItemView { background: @card; border: none; outline: none; selection-background-color: @chosen;
    selection-color: @words; }
QTableView, QTreeView { gridline-color: @line; alternate-background-color: @card; }
QTableView::item, QTreeView::item { padding: 5px 8px; border-bottom: 1px solid @line; }
QTableView::item:selected, QTreeView::item:selected { background: @chosen; color: @words; }
QTableView:focus, QTreeView:focus { border: 1px solid @main; border-radius: 4px; }
QTableView[look="bare"]:focus { border: none; }
QHeaderView { background: @card; border: none; }
QHeaderView::section { background: @card; color: @quiet; border: none; border-bottom: 1px solid @line;
    padding: 5px 11px; font-weight: 600; font-size: #size-quiet; }
QHeaderView::down-arrow, QHeaderView::up-arrow { width: 11px; height: 11px; subcontrol-position: center right;
    right: 8px; }
QHeaderView[look="figures"]::section { padding: 5px 9px; }
QHeaderView[look="tight-figures"]::section { padding: 5px 3px; }
QHeaderView[look="figures"]::down-arrow, QHeaderView[look="figures"]::up-arrow,
QHeaderView[look="tight-figures"]::down-arrow, QHeaderView[look="tight-figures"]::up-arrow { width: 9px; height: 9px;
    subcontrol-position: top center; top: 0px; right: 0px; }
QHeaderView::down-arrow { image: url($chevron); }
QHeaderView::up-arrow { image: url($up); }
QListView[look="rows"]::item { border: 1px solid transparent; border-radius: 7px; }
QListView[look="rows"]::item:hover { background: @hover; }
QListView[look="rows"]::item:selected { background: @chosen; }
QListView[look="rows"]::item:selected:focus { border: 1px solid @main; }
QTableCornerButton::section { background: @card; border: none; }
QMenu { background: @card; border: 1px solid @line; padding: 5px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 5px; }
QMenu::item:selected { background: @chosen; color: @words; }
QMenu::item:disabled { color: @quiet; }
QMenu::separator { height: 1px; background: @line; margin: 4px 6px; }
QMenu::icon { padding-left: 8px; }
"""
_MOVING = """
QProgressBar { background: @track; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: @main; border-radius: 3px; }
QProgressBar[kind="good"]::chunk { background: @good; }
QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 10px; margin: 2px; }
QScrollBar:horizontal { height: 10px; margin: 2px; }
QScrollBar::handle { background: @line; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 30px; }
QScrollBar::handle:horizontal { min-width: 30px; }
QScrollBar::handle:hover { background: @quiet; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSlider::groove:horizontal { background: @track; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @main; border-radius: 2px; }
QSlider::handle:horizontal { background: @card; border: 2px solid @main; width: 12px; height: 12px; margin: -6px 0;
    border-radius: 8px; }
QSlider::handle:horizontal:focus { background: @main; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: @line; }
"""
_WINDOW = """
QWidget[look="rail"] { background: @card; border-right: 1px solid @line; }
QWidget[look="strip"] { background: @card; border-top: 1px solid @line; }
QFrame[look="bar"] { background: @card; border: none; border-bottom: 1px solid @line; border-radius: 0; }
QFrame[look="side"] { background: @card; border: none; border-left: 1px solid @line; }
QScrollArea[look="side"] { background: @card; border: 1px solid transparent; }
QScrollArea[look="side"]:focus { border: 1px solid @main; }
QToolButton[look="step"] { background: @card; border: 1px solid @line; border-radius: 18px; padding: 5px; }
QToolButton[look="step"]:hover { background: @hover; }
QToolButton[look="step"]:focus { border: 2px solid @main; padding: 4px; }
QLabel[look="toast"] { background: @card; border: 1px solid @line; border-radius: 7px; padding: 7px 12px; }
QFrame[look="overlay"] { background: @card; border: 1px solid @line; border-radius: 10px; }
QFrame[look="overlay"]:focus { border: 1px solid @main; }
QFrame[look="row"] { background: transparent; border: 1px solid transparent; border-radius: 7px; }
QFrame[look="row"]:hover { background: @hover; }
"""
