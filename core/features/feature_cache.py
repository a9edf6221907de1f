"""Features computed once and kept by content: of recordings and images, on this computer or by a cluster."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from core.features.content_hashes import Digests
from core.progress import Progress, Report, WorkStep, silent

FLUSH_EVERY = 16  # results: what a kill may cost
Item = TypeVar("Item", bound=Any)


class FeatureWriter(Protocol):
    """Adds values by key. StoreError: full, not_written."""

    def add(self, key: str, value: Any) -> None:
        """Add the value of a key."""

    def flush(self) -> None:
        """Have on disk what was added."""


class FeatureStore(Protocol):
    """Values by key, such as `ArrayStore`."""

    def present(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose value is kept."""

    def writer(self) -> AbstractContextManager[FeatureWriter]:
        """A writer; what it added is kept when the block ends, however it ends."""


@dataclass(frozen=True, eq=False)
class Computed(Generic[Item]):
    """Result for one item: `key` and `value` (None: it is kept already), or the `reason` why it cannot be read.

    `digest` is the content hash of an item that is a file, in hex.
    """

    item: Item
    key: str = ""
    value: Any = None
    digest: str = ""
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Missing(Generic[Item]):
    """Items to compute. `present` gives those of some keys that are kept by now; `progress` takes how many items are
    done, and a detail in words.
    """

    items: Sequence[Item]
    present: Callable[[Iterable[str]], set[str]]
    progress: Callable[[int, str], None]

    def groups(self, size: int) -> Iterator[tuple[int, Sequence[Item]]]:
        """Groups of so many items, each with the place of its first; progress is reported before each."""
        for start in range(0, len(self.items), size):
            self.progress(start, "")
            yield start, self.items[start:start + size]


Compute = Callable[[Missing[Item]], Iterable[Sequence[Computed[Item]]]]


@dataclass(frozen=True)
class Filled(Generic[Item]):
    """Outcome of `FeatureCache.fill`: the key of each item, or the reason why it cannot be read; `added` new items."""

    keys: Mapping[Item, str]
    reasons: Mapping[Item, str]
    added: int


class FeatureCache(Generic[Item]):
    """Fills a store. `key_of` gives an item's key, None as long as the item has not been read; `digests` remembers the
    content hashes of items that are files.
    """

    def __init__(self, store: FeatureStore, key_of: Callable[[Item], str | None], digests: Digests | None = None
                 ) -> None:
        self._store, self._key_of, self._digests = store, key_of, digests

    def missing(self, items: Iterable[Item]) -> list[Item]:
        """Items to compute, as far as it is known without reading them."""
        keys = [(item, self._key_of(item)) for item in items]
        present = self._store.present(key for _, key in keys if key)
        return [item for item, key in keys if key not in present]

    def fill(self, items: Sequence[Item], compute: Compute[Item], step: WorkStep | None = None, subject: str = "",
             report: Report = silent) -> Filled[Item]:
        """Have every item computed that is not kept. An item that cannot be read has its reason; the rest goes on.

        A kill costs one group, or `FLUSH_EVERY` single results, at most. StoreError: full, not_written; what `compute`
        raises.
        """
        keys = {item: self._key_of(item) for item in items}
        present = self._store.present(key for key in keys.values() if key)
        missing = [item for item, key in keys.items() if key not in present]
        reasons: dict[Item, str] = {}
        before, added, waiting = len(items) - len(missing), 0, 0

        def progress(done: int, detail: str) -> None:
            report(Progress(step, before + done, len(items), subject, detail))

        def kept(wanted: Iterable[str]) -> set[str]:
            asked = set(wanted)
            return asked & present | self._store.present(asked - present)

        digests = self._digests.writer() if self._digests else nullcontext()
        with self._store.writer() as writer, digests as remember:
            for results in compute(Missing(missing, kept, progress)):
                for result in results:
                    if result.reason:
                        reasons[result.item] = result.reason
                        continue
                    keys[result.item] = result.key
                    if result.value is not None and result.key not in present:
                        writer.add(result.key, result.value)
                        present.add(result.key)
                    if remember is not None and result.digest:
                        remember(result.item, result.digest)
                    added += 1
                waiting += len(results)
                if waiting >= FLUSH_EVERY or len(results) > 1:
                    writer.flush()
                    if remember is not None:
                        remember.flush()
                    waiting = 0
        report(Progress(step, len(items), len(items), subject))
        return Filled({item: key for item, key in keys.items() if key and item not in reasons}, reasons, added)
