"""Texts of core in English, with what the window needs to show them in another language (GNU gettext).

Core, the command line, logs and everything stored are English. `_` and `ngettext` mark a text for the catalogue and
return it as `Text`: an ordinary English `str` that remembers its template and the values in it. Only the window
installs a language (`use_language`) and calls `localised` where it shows such a text.
"""

import gettext
import string
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

DOMAIN = "brewclip"
CATALOGUES = Path(str(files("resources"))) / "locale"
INTERFACE_LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}

_catalogue = gettext.NullTranslations()


class Text(str):
    """English text that can be translated where it is shown; `format` and `+` keep that."""

    template: str
    plural: str  # "" without one
    number: int
    values: dict[str, Any]
    arguments: tuple[Any, ...]

    def __new__(cls, template: str, plural: str = "", number: int = 1, arguments: tuple[Any, ...] = (),
                values: Mapping[str, Any] | None = None) -> Self:
        """The text in English; without values the braces of the template stay."""
        chosen = plural if plural and number != 1 else template
        is_formatted = values is not None
        text = super().__new__(cls, str.format(chosen, *arguments, **(values or {})) if is_formatted else chosen)
        text.template, text.plural, text.number = template, plural, number
        text.arguments = tuple(_plain(value) for value in arguments)
        text.values = {name: _plain(value) for name, value in (values or {}).items()}
        text.__dict__["is_formatted"] = is_formatted
        return text

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        values = self.values if self.__dict__["is_formatted"] else None
        return Text, (self.template, self.plural, self.number, self.arguments, values)

    def __add__(self, other: str) -> "Text":
        return Text("{}{}", arguments=(self, other), values={})

    def __radd__(self, other: str) -> "Text":
        return Text("{}{}", arguments=(other, self), values={})

    def format(self, *arguments: Any, **values: Any) -> "Text":
        """The English text with values put in, still translatable."""
        return Text(self.template, self.plural, self.number, arguments, values)

    def translation(self) -> str:
        """The text in the language in use."""
        words = (_catalogue.ngettext(self.template, self.plural, self.number) if self.plural
                 else translation(self.template))
        if not self.__dict__["is_formatted"]:
            return words
        try:
            return _FORMATTER.vformat(words, self.arguments, self.values)
        except (KeyError, IndexError, ValueError):  # a catalogue that names other values
            return str.__str__(self)


class LocalFormatter(string.Formatter):
    """`str.format` whose values are translated and whose decimal numbers are written as the language has them."""

    decimal_point = "."
    group_separator = "\u2009"  # thin space

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value: texts of core and errors in the language in use, numbers with its separators."""
        if isinstance(value, BaseException):
            value = str(value)
        if isinstance(value, Text):
            return str(format(value.translation(), format_spec))
        text = str(format(value, format_spec))
        if isinstance(value, float) or (isinstance(value, int) and "," in format_spec):
            return self.number(text)
        return text

    def number(self, text: str) -> str:
        """A number as Python writes it, with the separators of the language in use."""
        return text.translate({ord("."): self.decimal_point, ord(","): self.group_separator})


_FORMATTER = LocalFormatter()


def _(text: str) -> str:
    """Mark a text of core for the catalogue; it stays English, a `Text`."""
    return Text(text)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Mark a text of core that depends on a number; it stays English, a `Text`."""
    return Text(singular, plural, number)


def localised(text: object) -> str:
    """A text of core or the message of an error, in the language in use; what is not in the catalogue stays."""
    if isinstance(text, BaseException):
        text = str(text)
    if isinstance(text, Text):
        return text.translation()
    return translation(str(text))


def translation(text: str) -> str:
    """A whole text in the language in use; the text itself where the catalogue lacks it."""
    return _catalogue.gettext(text) if text else ""


def plural_translation(singular: str, plural: str, number: int) -> str:
    """The form of a text for a number, in the language in use."""
    return _catalogue.ngettext(singular, plural, number)


def formatted(template: str, *arguments: Any, **values: Any) -> str:
    """A translated template with values put in; numbers have the separators of the language in use."""
    return _FORMATTER.vformat(template, arguments, values)


def local_number(text: str) -> str:
    """A number as Python writes it, with the separators of the language in use: "1.5" -> "1,5"."""
    return _FORMATTER.number(text)


def joined(separator: str, texts: Iterable[str]) -> str:
    """Texts with a separator between them; "" of none."""
    parts = tuple(texts)
    return Text(separator.join(["{}"] * len(parts)), arguments=parts, values={})


def use_language(code: str | None) -> None:
    """Install the catalogue of a language; None or one without a catalogue is English."""
    use_catalogue(gettext.translation(DOMAIN, CATALOGUES, [code], fallback=True) if code
                  else gettext.NullTranslations())


def use_catalogue(catalogue: gettext.NullTranslations) -> None:
    """Install a catalogue."""
    global _catalogue
    _catalogue = catalogue


def use_separators(decimal_point: str, group_separator: str) -> None:
    """Write numbers with these separators from now on."""
    _FORMATTER.decimal_point, _FORMATTER.group_separator = decimal_point, group_separator


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else str(value)
