"""The languages that weigh more where too little is said."""

import sys

import pytest

from core.system_language import likely_languages


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is asked, not the environment")
@pytest.mark.parametrize(("environment", "languages"), [
    ({}, ("en",)), ({"LANG": "C"}, ("en",)), ({"LANG": "C.UTF-8"}, ("en",)), ({"LANG": "POSIX"}, ("en",)),
    ({"LANG": "en_GB.UTF-8"}, ("en",)), ({"LANG": "de_AT.UTF-8"}, ("de", "en")), ({"LANG": "pt-BR"}, ("pt", "en")),
    ({"LANG": "de_DE", "LC_ALL": "C"}, ("en",)), ({"LANG": "de_DE", "LC_ALL": "", "LC_MESSAGES": "fr"}, ("fr", "en"))])
def test_the_systems_language_and_english(environment: dict[str, str], languages: tuple[str, ...]) -> None:
    assert likely_languages(environment) == languages
