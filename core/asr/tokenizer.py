"""Whisper's tokenizer and its files, without importing the whisper package, which imports PyTorch."""

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.localisation import _

if TYPE_CHECKING:
    from whisper.tokenizer import Tokenizer

NAME = "whisper_tokenizer"  # of the module: not the package's own, which the package may still import


def package_file(name: str) -> Path:
    """A file of the whisper package. ModelError ("missing"): the package is not installed."""
    package = find_spec("whisper")
    folders = package.submodule_search_locations if package is not None else None
    if not folders:
        raise ModelError(_("The package openai-whisper is not installed, so nothing can be transcribed. Install the "
                           "program again."), "missing")
    return Path(next(iter(folders))) / name


def tokenizer_for(language_count: int, language: str, task: str = "transcribe", multilingual: bool = True
                  ) -> "Tokenizer":
    """Whisper's tokenizer, with the prompt of a language and a task ("transcribe" or "translate") if `multilingual`;
    that of the English-only models has neither."""
    made: Tokenizer = _module().get_tokenizer(multilingual, num_languages=language_count, language=language, task=task)
    if not isinstance(made.encoding, _PlainEncoding):  # the library gives the same object again
        made.encoding = _PlainEncoding(made.encoding)
    return made


class _PlainEncoding:
    """tiktoken's encoding for text without special tokens. Its own `encode` looks for these, with a pattern of 1600
    names that takes half a second to compile.
    """

    def __init__(self, encoding: Any) -> None:  # tiktoken.Encoding
        self._encoding = encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoding, name)

    def encode(self, text: str) -> list[int]:
        """Tokens of a text; the name of a special token in it is text as well."""
        tokens: list[int] = self._encoding.encode_ordinary(text)
        return tokens


@cache
def _module() -> ModuleType:
    """The module `whisper.tokenizer`, loaded from its file."""
    spec = spec_from_file_location(NAME, package_file("tokenizer.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module
