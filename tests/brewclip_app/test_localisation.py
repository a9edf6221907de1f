"""Texts of the window in other languages: what is translated, when, and that no literal escapes."""

import ast
import builtins
import gettext
import pickle
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale

import brewclip_app
from brewclip_app import localisation as window
from brewclip_app import wording
from brewclip_app.widgets.common import ElidedLabel, button, label
from core import localisation
from core.errors import ImageError
from core.localisation import Text, joined, localised
from core.progress import Progress, WorkStep
from tests.conftest import REPOSITORY

ROOT = Path(brewclip_app.__file__).parent
VISIBLE = {"setText", "setToolTip", "setWindowTitle", "setPlaceholderText", "addAction", "setAccessibleName",
           "setAccessibleDescription", "setSpecialValueText", "panel_title", "addMenu", "QCheckBox", "QRadioButton",
           "label", "button", "ElidedLabel", "plain_tip", "Card", "ProgressRow", "EmptyState"}
FIRST = {"label", "button", "ElidedLabel", "Card", "ProgressRow"}  # later arguments are looks
SECOND = {"EmptyState"}  # its first argument is an icon
OWN_PROCESSES = {"application.py", "sound_check.py"}  # command line; a process without a window
UNTRANSLATED = {"BrewCLIP Explorer", "curve", "px", "Markdown", "LaTeX"}


class Pseudo(gettext.NullTranslations):
    """A language that puts every text in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.fixture
def pseudo():
    localisation.use_catalogue(Pseudo())
    yield
    localisation.use_language(None)
    localisation.use_separators(".", "\u2009")


def test_texts_of_core_stay_english_and_are_translated_where_they_are_shown(pseudo):
    text = localisation._("{name} is gone.").format(name="a.jpg")
    assert text == "a.jpg is gone." and localised(text) == "⟦a.jpg is gone.⟧"
    error = ImageError(text)
    assert f"{error}" == "a.jpg is gone." and localised(error) == "⟦a.jpg is gone.⟧"
    assert localised(pickle.loads(pickle.dumps(text))) == "⟦a.jpg is gone.⟧"


def test_a_text_inside_a_text_is_translated_too(pseudo):
    inner = localisation.ngettext("{count} picture", "{count} pictures", 2).format(count=2)
    assert localised(localisation._("In {where}").format(where=inner)) == "⟦In ⟦2 pictures⟧⟧"
    assert localised(inner + ". ") == "⟦⟦2 pictures⟧. ⟧"
    assert window._("{error}").format(error=ImageError(inner)) == "⟦⟦2 pictures⟧⟧"
    assert "2 pictures" in localised(joined(" · ", (inner, "a"))) and joined(" · ", ()) == ""


def test_plurals_choose_their_form():
    assert localisation.ngettext("{n} hit", "{n} hits", 1).format(n=1) == "1 hit"
    assert window.ngettext("{n} hit", "{n} hits", 0).format(n=0) == "0 hits"


def test_a_catalogue_that_names_another_value_falls_back_to_english():
    class Wrong(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return "{other}"
    localisation.use_catalogue(Wrong())
    try:
        assert localised(localisation._("{name}").format(name="a")) == "a"
    finally:
        localisation.use_language(None)


def test_numbers_have_the_separators_of_the_system(pseudo):
    assert (wording.count(8094), window.number(1.5, ".2f")) == ("8\u2009094", "1.50")
    localisation.use_separators(",", ".")
    assert (wording.count(8094), window.number(1.5, ".2f")) == ("8.094", "1,50")
    assert window._("{share:.1f} %").format(share=12.5) == "⟦12,5 %⟧"
    assert wording.size(1.7e9).startswith("1,7 ")


def test_without_a_catalogue_texts_are_english():
    localisation.use_language("xx")
    assert window._("Open") == "Open" and localised("Open") == "Open"


def test_progress_is_translated_with_its_step(pseudo):
    progress = Progress(WorkStep.LOADING, 1, 4, subject="x", number=2, steps=3)
    assert progress.text() == "Step 2 of 3: Loading x \N{MIDDLE DOT} 1 of 4"
    assert "⟦Loading x⟧" in localised(progress.text())


def test_widgets_show_texts_of_core_in_the_language_of_the_window(pseudo, qtbot):
    text = Text("Theme")
    for widget in (label(text), button(text), ElidedLabel(text)):
        qtbot.addWidget(widget)
        assert widget.text() == "⟦Theme⟧"
        widget.setText("Theme")  # a name from outside
        assert widget.text() == "Theme"


@pytest.mark.parametrize(("chosen", "code"), [("de", "de"), ("en", "en")])
def test_the_setting_chooses_the_language(chosen, code):
    assert window.language(chosen) == code


def test_the_system_chooses_the_first_language_that_there_is(monkeypatch):
    monkeypatch.setattr(QLocale, "uiLanguages", lambda self: ["nl-NL", "fr-FR", "en"])
    assert window.language("system") == "fr"
    monkeypatch.setattr(QLocale, "uiLanguages", lambda self: ["nl-NL"])
    assert window.language("system") == "en"


def _modules(package: str) -> "list[tuple[Path, ast.Module]]":
    return [(path.relative_to(REPOSITORY), ast.parse(path.read_text(encoding="utf-8")))
            for path in sorted((REPOSITORY / package).rglob("*.py"))]


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _literals(node: ast.expr) -> "list[str]":
    """Texts with letters that an expression shows as they are written."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if any(letter.isalpha() for letter in node.value) else []
    if isinstance(node, ast.JoinedStr):
        return [text for part in node.values for text in _literals(part)]
    if isinstance(node, ast.IfExp):
        return [*_literals(node.body), *_literals(node.orelse)]
    if isinstance(node, ast.BinOp):
        return [*_literals(node.left), *_literals(node.right)]
    return []


def escaping(tree: ast.Module) -> "list[tuple[int, str]]":
    """Literals with letters that a call shows without a translation: line and text."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    shown = [(call, argument) for call in calls if (name := _name(call)) in VISIBLE
             for argument in (call.args[1:3] if name in SECOND else call.args[:1] if name in FIRST else call.args)]
    errors = [(call, call.args[0]) for call in calls if _name(call).endswith("Error") and call.args
              and not hasattr(builtins, _name(call))]
    return [(call.lineno, text) for call, argument in shown + errors for text in _literals(argument)
            if text.strip() not in UNTRANSLATED and sum(letter.isalpha() for letter in text) > 1]


def test_the_check_sees_a_literal_that_escapes():
    tree = ast.parse('label(f"{n} pictures")\nraise ImageError("It is gone.")\nlabel(_("Open"), "quiet")\nx.setText()')
    assert [line for line, _text in escaping(tree)] == [1, 2]


def test_no_literal_of_the_window_escapes():
    assert [(str(path), *found) for path, tree in _modules("brewclip_app") if path.name not in OWN_PROCESSES
            for found in escaping(tree)] == []


@pytest.mark.parametrize("package", ["brewclip_app", "core"])
def test_no_module_that_translates_binds_an_underscore(package):
    for path, tree in _modules(package):
        translates = any(isinstance(node, ast.ImportFrom) and any(alias.name == "_" for alias in node.names)
                         for node in ast.walk(tree))
        bound = [node.lineno for node in ast.walk(tree) if (isinstance(node, ast.Name) and node.id == "_"
                 and isinstance(node.ctx, ast.Store)) or (isinstance(node, ast.arg) and node.arg == "_")]
        assert not (translates and bound), (str(path), bound)


@pytest.mark.parametrize("package", ["brewclip_app", "core"])
def test_marked_texts_are_literals(package):
    """What is no literal never reaches the catalogue."""
    for path, tree in _modules(package):
        if path.name == "localisation.py":
            continue
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if _name(call) in ("_", "ngettext"):
                texts = call.args[:1] if _name(call) == "_" else call.args[:2]
                assert all(isinstance(text, ast.Constant) for text in texts), f"{path}:{call.lineno}"


def test_no_module_of_the_window_is_imported_before_its_language():
    source = (ROOT / "__main__.py").read_text(encoding="utf-8")
    assert source.index("localisation.start()") < source.index("brewclip_app.application")
    imports = [node for node in ast.parse((ROOT / "localisation.py").read_text(encoding="utf-8")).body
               if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("brewclip_app")]
    assert imports == [] and sys.modules["brewclip_app"] is brewclip_app
