"""Language of the operating system, a prior for short spoken queries."""

import locale
import os
import sys
from collections.abc import Mapping


def likely_languages(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Codes such as ("de", "en"): the system's language if it has one, and English, in which pictures are described."""
    name = _windows_name() if sys.platform == "win32" else next(
        (environment[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(key)), "")
    code = name.replace("-", "_").split(".")[0].split("_")[0].lower()
    spoken = len(code) in (2, 3) and code.isalpha()  # not "c", "posix"
    return (code, "en") if spoken and code != "en" else ("en",)


def _windows_name() -> str:
    """Such as "de_DE"; "" where Windows does not say."""
    import ctypes

    found = vars(ctypes)["windll"].kernel32.GetUserDefaultUILanguage()  # the name exists on Windows alone
    return locale.windows_locale.get(found, "")
