"""Names from outside are shown letter by letter: no tool tip, label or question takes them for HTML."""

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtGui import QFontMetrics, Qt, QTextLayout
from PySide6.QtWidgets import QAbstractItemView, QLabel, QPushButton, QWidget

import brewclip_app
from brewclip_app import theme
from brewclip_app.context import Context
from brewclip_app.main_window import PANELS, MainWindow
from brewclip_app.panels.library.failures_card import FailuresModel
from brewclip_app.plain_text import elided_name, plain_caption, plain_tip
from brewclip_app.widgets.common import ElidedLabel, button
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.name_dialogs import NameDialog
from brewclip_app.widgets.picture_grid.model import PictureModel
from core.store.records import FailureRecord
from core.store.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(brewclip_app.__file__).parent
HOSTILE = "<img src='file:///nowhere.png'><b>x & y"
RICH_BY_DESIGN = ("DifferenceLine",)  # escapes each word itself
TIP_SETTERS = {"setToolTip": -1, "showText": 1}


def _is_safe(node: ast.expr) -> bool:
    """A literal, a constant of the module, or what went through the helper."""
    if isinstance(node, ast.IfExp):
        return _is_safe(node.body) and _is_safe(node.orelse)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("plain_tip", "_")  # `_` takes literals alone
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def _tip_of(call: ast.Call) -> ast.expr | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in ("setData", "setItemData") and any("ToolTipRole" in ast.unparse(each) for each in call.args):
        return call.args[1 if name == "setItemData" else -1]
    return call.args[TIP_SETTERS[name]] if name in TIP_SETTERS and call.args else None


def _calls() -> "list[tuple[str, ast.Call]]":
    return [(f"{path.relative_to(ROOT)}:{node.lineno}", node) for path in sorted(ROOT.rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def test_buttons_and_captions_keep_an_ampersand(qtbot):
    made = button("A & B")
    qtbot.addWidget(made)
    assert made.text() == "A & B" and QPushButton.text(made) == plain_caption("A & B") == "A && B"
    made.setText("Indexing C&D")
    assert made.text() == "Indexing C&D" and made.shortcut().isEmpty()


def test_every_tool_tip_of_outside_text_goes_through_the_helper():
    found = [where for where, call in _calls() if (tip := _tip_of(call)) is not None and not _is_safe(tip)]
    assert found == []


def test_item_models_give_their_tips_through_the_helper():
    for path in sorted([ROOT / "widgets" / "record_table.py", *ROOT.rglob("*_model.py")]):
        text = path.read_text(encoding="utf-8")
        for branch in ast.walk(ast.parse(text)):
            if not (isinstance(branch, ast.If) and isinstance(branch.test, ast.Compare)
                    and "ToolTipRole" in ast.unparse(branch.test.comparators[0])
                    and isinstance(branch.test.ops[0], ast.Eq)):
                continue
            answer = ast.unparse(branch.body[-1])
            assert "plain_tip" in answer or "TIPS" in answer, f"{path.name}:{branch.lineno}: {answer}"


@pytest.mark.parametrize("name", ["QLabel", "QMessageBox", "QErrorMessage", "QTextBrowser", "setHtml", "showMessage",
                                  "setWhatsThis", "setMarkdown", "insertHtml", "setStatusTip"])
def test_texts_are_made_in_the_places_that_keep_them_plain(name):
    allowed = {"QLabel": "widgets/common.py", "QMessageBox": "widgets/dialogs.py", "showMessage": "notifications.py"}
    found = [where for where, call in _calls() if ast.unparse(call.func).split(".")[-1] == name
             and (call.args or name == "setHtml") and not where.startswith(allowed.get(name, "nowhere"))]
    assert found == []


@pytest.mark.parametrize("text", [HOSTILE, f"Rank 1: {HOSTILE}", f"{HOSTILE}\nin a gallery", "a &lt; b"])
def test_a_tip_shows_letters_and_no_elements(text, qtbot):
    shown = QLabel(plain_tip(text))
    qtbot.addWidget(shown)
    assert "<img" not in plain_tip(text) and Qt.mightBeRichText(plain_tip(text))


def test_an_ordinary_tip_stays_as_it_is():
    assert plain_tip("a picture.jpg\nRank 1 & score < 2") == "a picture.jpg\nRank 1 & score < 2"


def _renders_html(words: str) -> bool:
    return Qt.mightBeRichText(words) and "<img" in words


def test_numbered_names_lose_their_start_and_others_their_middle(qtbot):
    metrics = QFontMetrics(QLabel().font())
    width = metrics.horizontalAdvance("0000000001")
    shown = [elided_name(metrics, f"COCO_val2014_{number:012}.jpg", width) for number in (391895, 391896)]
    assert shown[0] != shown[1] and all(name.startswith("…") for name in shown)
    assert shown[0].endswith("391895")
    assert elided_name(metrics, "short.jpg", 1000) == "short.jpg"
    words = elided_name(metrics, "a very long name of a picture.jpg", width)
    assert "…" in words and words.startswith("a") and words.endswith("g")


def test_a_line_has_room_for_every_script(qtbot):
    font = theme.font("quiet")
    for text in ("日本語", "한글", "ไทยที่", "Ågj"):
        layout = QTextLayout(text, font)
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        assert line.height() <= theme.line_height(font)


def _check(root: QWidget) -> None:
    for each in [root, *root.findChildren(QWidget)]:
        assert not _renders_html(each.toolTip()), (type(each).__name__, each.toolTip())
        if isinstance(each, QLabel) and type(each).__name__ not in RICH_BY_DESIGN:
            assert each.textFormat() == Qt.TextFormat.PlainText or not Qt.mightBeRichText(each.text()), each.text()
        if isinstance(each, QAbstractItemView) and each.model() is not None:
            model = each.model()
            for row in range(min(model.rowCount(), 20)):
                for column in range(model.columnCount()):
                    tip = model.index(row, column, QModelIndex()).data(Qt.ItemDataRole.ToolTipRole)
                    assert not isinstance(tip, str) or not _renders_html(tip)


def test_a_question_names_things_letter_by_letter(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    box = confirm(parent, f"Delete {HOSTILE}?", f"{HOSTILE} goes.", "Delete", lambda: None)
    _check(box)
    assert all(part.textFormat() == Qt.TextFormat.PlainText for part in box.findChildren(QLabel))
    _check(NameDialog(parent, f"Rename {HOSTILE}", "Rename", lambda name, dialog: None, HOSTILE))


def test_a_shortened_name_has_its_letters_as_tip(qtbot):
    line = ElidedLabel(HOSTILE * 5)
    qtbot.addWidget(line)
    line.resize(40, 20)
    line.show()
    _check(line)
    assert "&lt;img" in line.toolTip()


def test_models_of_pictures_tell_names_letter_by_letter(make_hit, qtbot, tmp_path):
    hits, failures = PictureModel(), FailuresModel()
    hits.set_hits((make_hit(1, Path("<img src=x><b>.jpg")),))
    failures.show([FailureRecord(tmp_path / "<img src=x><b>.jpg", "unreadable", HOSTILE)])
    for model in (hits, failures):
        assert "&lt;img" in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_no_panel_renders_the_name_of_a_gallery_speaker_or_run(home, qtbot):
    store = Store.open(home.store)
    store.create_gallery(HOSTILE)
    store.add_speaker(HOSTILE)
    store.close()
    (home.runs / "<img src=x><b>y").mkdir(parents=True)
    context = Context(home)
    window = MainWindow(context, PANELS)
    qtbot.addWidget(window, before_close_func=lambda widget: context.jobs.shutdown(20))
    window.show()
    context.set_gallery(HOSTILE)
    for entry in PANELS:
        window.show_panel(entry.key)
        qtbot.waitUntil(lambda: not context.jobs.running(), timeout=20_000)
        _check(window)
    context.close()
