"""Catalogues of translations: in step with the code and with each other, with the placeholders of the English text."""

import gettext
import importlib.util
import string
from collections import Counter
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from core.localisation import CATALOGUES, DOMAIN, INTERFACE_LANGUAGES
from tests.conftest import REPOSITORY

SOURCE = REPOSITORY / "packaging" / "translations.py"
FORMS = {"de": 2, "fr": 2, "es": 2}


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return _tool()


@pytest.fixture(scope="module")
def template(tool: ModuleType) -> Catalog:
    with tool.TEMPLATE.open("rb") as stream:
        return read_po(stream)


def _texts(message: Message) -> list[str]:
    """English texts of an entry: one, or singular and plural."""
    return [message.id] if isinstance(message.id, str) else list(message.id)


def _translations(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def placeholders(text: str) -> Counter[str]:
    """Fields of a template with their conversions and formats, and how often each is there."""
    return Counter(f"{name}!{conversion}:{spec}" for _literal, name, spec, conversion in string.Formatter().parse(text)
                   if name is not None)


def test_every_language_of_the_window_but_english_has_a_catalogue(tool: ModuleType) -> None:
    assert set(INTERFACE_LANGUAGES) - {"en"} == set(tool.PLURALS) == set(FORMS)
    assert tool.LOCALE == CATALOGUES


def test_the_template_has_every_marked_text(tool: ModuleType, template: Catalog) -> None:
    """Else run `make translations`."""
    marked = {str(message.id) for message in tool.extract() if message.id}
    assert marked == {str(message.id) for message in template if message.id}


@pytest.mark.parametrize("language", sorted(FORMS))
def test_a_catalogue_has_the_texts_of_the_template(tool: ModuleType, template: Catalog, language: str) -> None:
    catalogue = tool.read(language)
    assert {str(message.id) for message in catalogue} == {str(message.id) for message in template}
    assert catalogue.num_plurals == FORMS[language]


@pytest.mark.parametrize("language", sorted(FORMS))
def test_the_compiled_catalogue_is_in_step(tool: ModuleType, language: str) -> None:
    """Else run `make translations`."""
    compiled = gettext.translation(DOMAIN, CATALOGUES, [language])
    for message in tool.read(language):
        if message.id and all(_translations(message)):
            assert compiled.gettext(_texts(message)[0]) == _translations(message)[0] or message.pluralizable
            if message.pluralizable:
                assert compiled.ngettext(*_texts(message), 1) == _translations(message)[0]


@pytest.mark.parametrize("language", sorted(FORMS))
def test_a_translation_has_the_placeholders_of_the_text(tool: ModuleType, language: str) -> None:
    for message in tool.read(language):
        if not message.id:
            continue
        assert "fuzzy" not in message.flags, message.id
        singular, plural = placeholders(_texts(message)[0]), placeholders(_texts(message)[-1])
        for form, translation in enumerate(_translations(message)):
            found = placeholders(translation)  # one thing may be said without its number, as the English text does
            assert found == plural or (form == 0 and found == singular), (message.id, translation)


@pytest.mark.parametrize("language", sorted(FORMS))
def test_a_catalogue_is_complete(tool: ModuleType, language: str) -> None:
    missing = [message.id for message in tool.read(language) if message.id and not all(_translations(message))]
    assert not missing


@pytest.mark.parametrize(("text", "fields"), [("{a} of {b:.1f}", {"a!None:": 1, "b!None:.1f": 1}), ("{{a}}", {}),
                                              ("{x!r} {x!r}", {"x!r:": 2})])
def test_placeholders_are_counted_with_their_format(text: str, fields: dict[str, int]) -> None:
    assert placeholders(text) == fields


def test_an_entry_is_marked_as_formatted_by_braces(tool: ModuleType) -> None:
    flags = {str(message.id): message.flags for message in tool.extract()}
    assert not any("python-format" in each for each in flags.values())
    assert "python-brace-format" in next(each for text, each in flags.items() if "{name}" in text)
