"""Pixel budget shared by all decoding threads, to bound memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

TOGETHER = 128_000_000  # pixels: 1 GB at 8 bytes each, a decoded picture and its RGB copy


class PixelBudget:
    """`limit` pixels shared by threads; an image larger than the limit waits until it is alone."""

    def __init__(self, limit: int = TOGETHER) -> None:
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    @property
    def used(self) -> int:
        """Pixels that are held now."""
        return self._used

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Hold pixels of the budget; blocks until they are available. Must not be nested in a thread."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._limit)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
