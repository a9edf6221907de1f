"""Listing of a gallery as columns, its order and its groups: 100 000 images without a record for each."""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.store.records import ImageRecord

ListingOrder = Literal["newest", "oldest", "name", "folder"]
Grouping = Literal["month", "folder", "none"]
STEP_S = 900  # offsets of time zones change on the quarter of an hour


@dataclass(frozen=True, eq=False)
class ImageListing:
    """Present images of a gallery as columns of one length n, by ascending id.

    `ids`, `sizes` (bytes), `mtimes` (ns since 1970), `widths` and `heights` (px) and `ratings` (stars) are int64 (n,),
    `taken` is datetime64[us] (n,) with NaT where the camera gave no date, `paths` are as the file system gives them,
    `contents` the SHA-256 of the files, `tags` are by id.
    """

    ids: np.ndarray
    paths: Sequence[str]
    sizes: np.ndarray
    mtimes: np.ndarray
    widths: np.ndarray
    heights: np.ndarray
    taken: np.ndarray
    contents: Sequence[bytes]
    ratings: np.ndarray
    tags: Mapping[int, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.ids)

    def record(self, row: int) -> ImageRecord:
        """The image of a row."""
        image_id, taken = int(self.ids[row]), self.taken[row].item()  # None for NaT
        return ImageRecord(image_id, Path(self.paths[row]), int(self.widths[row]), int(self.heights[row]),
                           int(self.sizes[row]), int(self.mtimes[row]) / 1e9,
                           taken, self.tags.get(image_id, ()),
                           self.contents[row].hex(), int(self.ratings[row]))

    def records(self) -> list[ImageRecord]:
        """All images, by id."""
        return [self.record(row) for row in range(len(self))]

    @cached_property
    def dates(self) -> np.ndarray:
        """`ImageRecord.dated` of each image to the second, datetime64[s] (n,)."""
        dates = self.taken.astype("datetime64[s]")
        undated = np.flatnonzero(np.isnat(dates))
        seconds = self.mtimes[undated] // 10**9
        steps, which = np.unique(seconds // STEP_S, return_inverse=True)
        offsets = np.array([time.localtime(int(step) * STEP_S).tm_gmtoff for step in steps], np.int64)
        dates[undated] = (seconds + offsets[which] if len(undated) else seconds).astype("datetime64[s]")
        return dates

    @cached_property
    def folders(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The folders with images, sorted without regard to case, and the index of each image's, int64 (n,)."""
        parents = [path[:max(path.rfind("/"), path.rfind(os.sep), 0)] for path in self.paths]
        names = sorted(set(parents), key=lambda name: (name.casefold(), name))
        index = {name: at for at, name in enumerate(names)}
        return tuple(names), np.array([index[name] for name in parents], np.int64)

    @cached_property
    def names(self) -> list[str]:
        """Names of the files as they are compared: without regard to case."""
        return [path[max(path.rfind("/"), path.rfind(os.sep)) + 1:].casefold() for path in self.paths]

    def same_as(self, other: "ImageListing") -> bool:
        """Whether the other listing has the same images with the same facts and tags."""
        return (np.array_equal(self.ids, other.ids) and np.array_equal(self.mtimes, other.mtimes)
                and np.array_equal(self.ratings, other.ratings) and self.paths == other.paths
                and self.contents == other.contents and self.tags == other.tags)


def listing_of(columns: Sequence[Sequence[Any]], tags: Mapping[int, tuple[str, ...]]) -> ImageListing:
    """Listing of the columns id, path, size, mtime_ns, width, height, taken (or its ISO text), content, rating."""
    ids, paths, sizes, mtimes, widths, heights, taken, contents, ratings = columns
    return ImageListing(np.array(ids, np.int64), paths, np.array(sizes, np.int64), np.array(mtimes, np.int64),
                        np.array(widths, np.int64), np.array(heights, np.int64), np.array(taken, "datetime64[us]"),
                        contents, np.array(ratings, np.int64), tags)


@dataclass(frozen=True)
class ImageGroup:
    """Consecutive images of an arrangement, `count` from place `start` on: of one month, or of one folder.

    `since` and `until` are the dates of the oldest and of the newest; `folder` is the one that has most of them, and
    `folders` how many have some.
    """

    start: int
    count: int
    since: datetime
    until: datetime
    folder: str
    folders: int


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Order of a listing: `rows` int64 (n,) are its rows in the order shown; `groups` are () where there are none.

    `marks` are places in that order with a short text each: years, folders or initial letters.
    """

    rows: np.ndarray
    order: ListingOrder = "newest"
    grouping: Grouping = "none"
    groups: tuple[ImageGroup, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()


def arrange(listing: ImageListing, order: ListingOrder = "newest", grouping: Grouping = "month",
            behind: Collection[int] = ()) -> Arrangement:
    """Sort a listing, and group it. Images whose ids are in `behind` are left out: others stand for them.

    Months follow the order: the oldest first in the order "oldest", else the newest first. Folders go by name.
    """
    dates, (folders, folder_of) = listing.dates.astype(np.int64), listing.folders
    ranks = np.empty(len(listing), np.int64)
    ranks[sorted(range(len(listing)), key=listing.names.__getitem__)] = np.arange(len(listing))
    keys = {"newest": (ranks, -dates), "oldest": (ranks, dates), "name": (folder_of, ranks),
            "folder": (ranks, folder_of)}[order]
    months = listing.dates.astype("datetime64[M]").astype(np.int64)
    group_of = {"month": months, "folder": folder_of, "none": np.zeros(len(listing), np.int64)}[grouping]
    rows = np.lexsort((*keys, -group_of if grouping == "month" and order != "oldest" else group_of))
    rows = rows[~np.isin(listing.ids[rows], list(behind))] if behind else rows
    starts = _changes(group_of[rows])
    groups = () if grouping == "none" else tuple(
        _group(listing, int(start), part) for start, part in zip(starts, np.split(rows, starts[1:]), strict=False))
    if grouping == "folder" or (grouping == "none" and order == "folder"):
        labels = [Path(folders[at]).name for at in folder_of[rows][_changes(folder_of[rows])]]
        places = _changes(folder_of[rows])
    elif grouping == "none" and order == "name":
        letters = np.array([listing.names[row][:1].upper() for row in rows], "U1")
        places = _changes(letters)
        labels = [str(letter) for letter in letters[places]]
    else:
        years = listing.dates[rows].astype("datetime64[Y]")
        places = _changes(years)
        labels = [str(year) for year in years[places]]
    return Arrangement(rows, order, grouping, groups, tuple(zip(map(int, places), labels, strict=True)))


def _changes(values: np.ndarray) -> np.ndarray:
    """Places at which a run of equal values begins."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1])[:len(values)])


def _group(listing: ImageListing, start: int, rows: np.ndarray) -> ImageGroup:
    dates = listing.dates[rows]
    numbers, counts = np.unique(listing.folders[1][rows], return_counts=True)
    return ImageGroup(start, len(rows), dates.min().astype(datetime), dates.max().astype(datetime),
                      listing.folders[0][numbers[counts.argmax()]], len(numbers))
