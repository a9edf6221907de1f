"""Groups of images that are one: identical files, and files whose embeddings and pixels agree."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.store.records import ImageRecord


@dataclass(frozen=True)
class DuplicateGroup:
    """Files of one image, the proposed best first; of a file with several paths, one (`core.duplicates.files`)."""

    images: tuple[ImageRecord, ...]

    @property
    def exact(self) -> bool:
        """Whether all files are identical."""
        return len({image.content_hash for image in self.images}) == 1

    @property
    def best(self) -> ImageRecord:
        """The one to keep: most pixels, then the largest file, the oldest date, the shortest path."""
        return self.images[0]

    @property
    def spare_bytes(self) -> int:
        """Bytes of all files but the best."""
        return sum(image.size for image in self.images[1:])


@dataclass(frozen=True)
class Duplicates:
    """Groups of a gallery's duplicates, those with most to gain first.

    `compared` counts images whose embeddings were compared, `images` all of the gallery; `unread` those that have a
    near embedding and whose file could not be read.
    """

    groups: tuple[DuplicateGroup, ...]
    images: int
    compared: int = 0
    unread: int = 0

    @property
    def exact(self) -> "Duplicates":
        """Identical files alone: groups of several contents fall apart into those of one."""
        parts = (exact_groups(group.images) for group in self.groups)
        return Duplicates(ordered(group for part in parts for group in part), self.images)

    @property
    def near(self) -> "Duplicates":
        """The groups with files that differ."""
        return replace(self, groups=tuple(group for group in self.groups if not group.exact))

    @property
    def spare(self) -> int:
        """Number of files beyond one of each group."""
        return sum(len(group.images) - 1 for group in self.groups)

    @property
    def spare_bytes(self) -> int:
        """Bytes of those."""
        return sum(group.spare_bytes for group in self.groups)

    def without(self, ids: Collection[int]) -> "Duplicates":
        """The duplicates without these images, and without groups of which one is left."""
        parts = (tuple(image for image in group.images if image.id not in ids) for group in self.groups)
        return replace(self, groups=tuple(DuplicateGroup(part) for part in parts if len(part) > 1))

    def stacks(self) -> dict[int, tuple[int, ...]]:
        """Ids of each group, best first, by the id of its best."""
        return {group.best.id: tuple(image.id for image in group.images) for group in self.groups}


def stacks_among(stacks: Mapping[int, tuple[int, ...]], ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Stacks of those of their images that are among these ids, by the id of the first; those of one are left out."""
    there = set(ids)
    parts = (tuple(image_id for image_id in stack if image_id in there) for stack in stacks.values())
    return {part[0]: part for part in parts if len(part) > 1}


class Union:
    """Disjoint sets of contents (union by path halving)."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._parents: dict[str, str] = {}
        for first, second in pairs:
            self.join(first, second)

    def root(self, item: str) -> str:
        """The representative of the item's set."""
        parents = self._parents
        while (parent := parents.get(item, item)) != item:
            parents[item] = parents.get(parent, parent)
            item = parents[item]
        return item

    def join(self, first: str, second: str) -> bool:
        """Unite two sets; False when they were one."""
        first, second = self.root(first), self.root(second)
        self._parents[second] = first
        return first != second


def groups_of(images: Iterable[ImageRecord], union: Union) -> tuple[DuplicateGroup, ...]:
    """The groups of two and more images whose contents are in one set."""
    by_root: defaultdict[str, list[ImageRecord]] = defaultdict(list)
    for image in images:
        by_root[union.root(image.content_hash)].append(image)
    return ordered(DuplicateGroup(best_first(group)) for group in by_root.values() if len(group) > 1)


def exact_groups(images: Iterable[ImageRecord]) -> tuple[DuplicateGroup, ...]:
    """The groups of identical files."""
    return groups_of(images, Union())


def ordered(groups: Iterable[DuplicateGroup]) -> tuple[DuplicateGroup, ...]:
    """The groups, those with most bytes to gain first."""
    return tuple(sorted(groups, key=lambda group: (-group.spare_bytes, str(group.best.path))))


def best_first(images: Sequence[ImageRecord]) -> tuple[ImageRecord, ...]:
    """The images: most pixels first, then the largest file, the oldest date, the shortest path."""
    return tuple(sorted(images, key=lambda image: (-image.width * image.height, -image.size, image.dated[0],
                                                   len(str(image.path)), str(image.path), image.id)))
