"""Robust stdout and stderr for commands: closed, full, a pipe without a reader, an encoding that lacks
characters. Results that cannot be written are an error; messages that cannot be written are dropped.
"""

import codecs
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from core.errors import BrewclipError

ENCODING_FALLBACK = "brewclip.encoding-fallback"  # name of the handler of characters that an encoding lacks
FIRST_OWN = 3  # descriptors below it are stdin, stdout and stderr


class OutputError(BrewclipError):
    """The result that could not be written."""


class ReaderLeft(Exception):  # noqa: N818  (no error: it has enough, as `head` does)
    """Whoever reads the results closed the pipe."""


class ResultStream:
    """stdout. OutputError ("not_written") when a write fails, ReaderLeft when its reader closed it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; how many characters that is."""
        return int(self._try(lambda stream: stream.write(text)))

    def flush(self) -> None:
        """Flush the stream."""
        if self._stream is not None:
            self._try(lambda stream: stream.flush())

    def _try(self, do: Callable[[TextIO], Any]) -> Any:
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, "it is closed")
            return do(self._stream)
        except BrokenPipeError:
            _discard(self._stream)
            raise ReaderLeft from None
        except OSError as error:
            _discard(self._stream)
            raise OutputError(f"The result could not be written to the standard output: {error.strerror or error}.",
                              "not_written") from error


class MessageStream:
    """stderr. Messages that it does not take are dropped."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Whether a terminal shows the messages."""
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write a text; how many characters that is."""
        self._try(lambda stream: stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._try(lambda stream: stream.flush())

    def _try(self, do: Callable[[TextIO], Any]) -> None:
        if self._stream is None:
            return
        try:
            do(self._stream)
        except OSError:
            _discard(self._stream)


@contextmanager
def safe_streams() -> Iterator[None]:
    """A context in which `sys.stdout` and `sys.stderr` are as above."""
    _reserve_descriptors()
    codecs.register_error(ENCODING_FALLBACK, _encoding_fallback)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ENCODING_FALLBACK)
    with (redirect_stdout(cast(TextIO, ResultStream(sys.stdout))),
          redirect_stderr(cast(TextIO, MessageStream(sys.stderr)))):
        yield


def _reserve_descriptors() -> None:
    """Fill closed ones, or the next file that is opened, such as the store, would get what is printed."""
    for descriptor in range(FIRST_OWN):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _discard(stream: TextIO | None) -> None:
    """Let what is still in the stream's buffer go nowhere: Python would try to write it again when it ends."""
    if stream is not None:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _encoding_fallback(error: UnicodeError) -> tuple[str | bytes, int]:
    """The bytes of names of files that are no text as they are; "?" for a character that the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    code = ord(error.object[error.start])
    return (bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else "?"), error.start + 1
