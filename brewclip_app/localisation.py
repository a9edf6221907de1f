"""Language of the window: its catalogue, Qt's own texts, numbers and dates as the system writes them.

`start` runs before any other module of the window is imported, so that tables of texts at module level are translated
too; a change of the setting applies at the next start.
"""

from typing import Any

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from core import localisation, settings
from core.errors import SettingsError
from core.home import find_home
from core.localisation import INTERFACE_LANGUAGES, Text, localised

__all__ = ["Phrase", "_", "as_shown", "install_qt_texts", "localised", "ngettext", "number", "start"]

SETTING = "appearance.language"


class Phrase(str):
    """Text in the language of the window; `format` writes numbers as the system does and translates texts of core."""

    def format(self, *arguments: Any, **values: Any) -> str:
        """The text with values put in."""
        return localisation.formatted(self, *arguments, **values)


def _(text: str) -> str:
    """A text in the language of the window, a `Phrase`."""
    return Phrase(localisation.translation(text))


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form of a text for a number, in the language of the window, a `Phrase`."""
    return Phrase(localisation.plural_translation(singular, plural, number))


def number(value: float, spec: str = "") -> str:
    """A number in a format of Python, with the separators of the system: `number(1.5, ".2f")` -> "1,50"."""
    return localisation.local_number(format(value, spec))


def group_separator() -> str:
    """The separator between groups of three digits."""
    return localisation.local_number(",")


def start() -> None:
    """Install the language of the settings, and the system's way to write numbers and dates."""
    code = language(_chosen())
    localisation.use_language(code)
    locale = QLocale.system()
    if QLocale(code).language() != locale.language():  # dates in the language of the texts
        locale = QLocale(code)
    QLocale.setDefault(locale)
    if locale.language() != QLocale.Language.C:
        localisation.use_separators(locale.decimalPoint(), locale.groupSeparator())


def language(chosen: str) -> str:
    """Code of the language to show for a value of the setting; "system" follows the order that the system prefers."""
    if chosen != "system":
        return chosen
    for name in QLocale.system().uiLanguages():
        code = name.partition("-")[0].lower()
        if code in INTERFACE_LANGUAGES:
            return code
    return "en"


def install_qt_texts(app: QCoreApplication) -> None:
    """Install Qt's translation of its own dialogs and buttons."""
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(QLocale(language(_chosen())), "qtbase", "_", folder):
        app.installTranslator(translator)


def as_shown(text: str) -> str:
    """A text of core in the language of the window; any other text, a name say, as it is."""
    return text.translation() if isinstance(text, Text) else text


def _chosen() -> str:
    try:
        return str(settings.load(find_home().settings)[SETTING])
    except SettingsError:  # no home: the start says so
        return "system"
