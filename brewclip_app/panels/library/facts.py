"""A gallery in words: progress of indexing, model of the embeddings, cost of another model."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from brewclip_app import wording
from brewclip_app.localisation import _, localised
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.indexing.left_out import Counts, describe_left_out
from core.progress import Progress, WorkStep

if TYPE_CHECKING:
    from core.explorer import Explorer
    from core.galleries.gallery import Gallery
    from core.indexing.unfinished import UnfinishedRun
    from core.store.records import FailureRecord, GalleryRecord, GalleryState, ImageRecord

CROPS = {"centre": _("centre crop"), "letterbox": "letterbox", "squash": "squashed", "multi-crop": "multi-crop"}
RETRY_AFTER = 60.0  # seconds until an address that was refused is tried again
SHOWN = 72  # pictures of a gallery in its mosaic, at most
SHOWN_GROWING = 12  # of one that is being indexed: the tiles of its row in the list


@dataclass(frozen=True)
class Overview:
    """All galleries, under the fingerprint of the settings, or the `problem` because of which there is none.

    `refused` has the addresses that could not be opened; `unfinished` by the gallery's id the indexing runs that did
    not end.
    """

    states: "tuple[GalleryState, ...]"
    mosaics: "dict[int, tuple[ImageRecord, ...]]"
    fingerprint: Fingerprint | None
    problem: str = ""
    refused: "Mapping[str, Refusal]" = field(default_factory=dict)
    unfinished: "Mapping[int, UnfinishedRun]" = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """Reason why an address could not be opened, and when that was tried (monotonic clock)."""

    reason: str
    at: float


def read_overview(explorer: "Explorer", before: Overview | None = None) -> Overview:
    """Read (for a job) everything that the list of galleries shows; refused addresses are not tried each time."""
    try:
        fingerprint, problem = explorer.fingerprint(), ""
    except Exception as error:  # the galleries are shown without the model as well
        fingerprint, problem = None, localised(error)
    wanted = fingerprint.hash if fingerprint else ""
    states = []
    mosaics = {}
    for record in explorer.store.galleries():
        gallery = explorer.gallery(record)
        states.append(gallery.state(wanted))
        mosaics[gallery.id] = some_images(gallery, growing=explorer.unfinished.of(record) is not None)
    refused = dict(before.refused) if before is not None else {}
    for address in explorer.addresses():
        refusal = refused.pop(address, None)
        if refusal is None or time.monotonic() - refusal.at > RETRY_AFTER:
            try:
                gallery = explorer.gallery(address)
                states.append(gallery.state(wanted))
                mosaics[gallery.id] = some_images(
                    gallery, growing=explorer.unfinished.of(states[-1].gallery) is not None)
                continue
            except StoreError as error:
                refusal = Refusal(localised(error), time.monotonic())
        refused[address] = refusal
        states.append(_unknown(address))
    runs = {state.gallery.id: explorer.unfinished.of(state.gallery) for state in states if state.gallery.folders}
    return Overview(tuple(states), mosaics, fingerprint, problem, refused,
                    {key: run for key, run in runs.items() if run is not None})


def _unknown(address: str) -> "GalleryState":
    """An empty state for a gallery that could not be opened."""
    from core.store.records import GalleryRecord, GalleryState

    return GalleryState(GalleryRecord(-hash(address) % 2**31 - 2**31, address, datetime.now(UTC), ()), 0, 0, 0, 0, ())


def some_images(gallery: "Gallery", growing: bool = False) -> "tuple[ImageRecord, ...]":
    """Up to `SHOWN` images, evenly spaced over the gallery; of a `growing` one its first images, which stay."""
    ids = gallery.filter_ids()
    if not len(ids):
        return ()
    ids = ids[:SHOWN_GROWING] if growing else ids
    chosen = np.unique(ids[np.linspace(0, len(ids) - 1, min(SHOWN, len(ids))).astype(int)])
    return tuple(gallery.images([int(image_id) for image_id in chosen]))


def read_failures(explorer: "Explorer", gallery: "GalleryRecord") -> "list[FailureRecord]":
    """Read (for a job) which images could not be read, and why."""
    return explorer.gallery(gallery).failures()


def how_far(state: "GalleryState", progress: Progress | None = None, unfinished: "UnfinishedRun | None" = None) -> str:
    """ "8 091 of 8 094 indexed"; "8 094 pictures, all indexed"; "192 of 720" while a job (its `progress`) or another
    process indexes it, "96 pictures so far" where the end is unknown; "192 of 720, stopped" when the last run did not
    end.
    """
    if progress is not None or unfinished is not None:
        running = progress is not None or (unfinished is not None and unfinished.is_running)
        counted = in_gallery(progress or Progress(), unfinished)
        done, total = counted.done, counted.total
        if total <= 0:
            done, total = state.indexed + state.failed, unfinished.found if unfinished is not None else 0
        end = "" if running else _(", stopped")
        if total > done or (total and running):
            return _("{done} of {total}{end}").format(done=wording.count(done), total=wording.count(total), end=end)
        if state.indexed or not running:
            return _("{pictures} so far{end}").format(
                pictures=wording.pictures(state.indexed if running else state.images), end=end)
    if not state.images:
        return _("no pictures yet")
    if state.indexed == state.images:
        return _("{pictures}, all indexed").format(pictures=wording.pictures(state.images))
    return _("{indexed} of {images} indexed").format(indexed=wording.count(state.indexed),
                                                     images=wording.count(state.images))


def in_gallery(progress: Progress, unfinished: "UnfinishedRun | None") -> Progress:
    """Progress of an indexing job, counted over the whole gallery: images from before it began are done.

    The job itself counts what it reads, so a run that continues would start at 0.
    """
    if progress.share is None and unfinished is not None and unfinished.found > progress.total > 0:
        return replace(progress, done=unfinished.found - progress.total + progress.done, total=unfinished.found)
    return progress


def facts_in_words(fingerprint: Fingerprint, titles: dict[str, str]) -> str:
    """ "CLIP ViT-L/14 · centre crop"; with the prompts when there are any."""
    facts = fingerprint.facts()
    backbone, crop = str(facts.get("backbone", "?")), str(facts.get("crop", ""))
    words = [titles.get(backbone, backbone), CROPS.get(crop, crop)]
    checkpoint = str(facts.get("checkpoint", "none"))
    return " · ".join(filter(None,
                             [*words, "" if checkpoint == "none"
                              else _("prompts {checkpoint}").format(checkpoint=checkpoint)]))


def outdated(state: "GalleryState", fingerprint: Fingerprint | None) -> Fingerprint | None:
    """The fingerprint of most embeddings, when it is not the one of the settings and some images lack that one."""
    if fingerprint is None or state.indexed >= state.images or not state.fingerprints:
        return None
    others = [(other, number) for other, number in state.fingerprints if other.hash != fingerprint.hash]
    return others[0][0] if others and others[0][1] > state.indexed else None


def cost(images: int, rate: float) -> str:
    """Time to embed images on this computer; `rate` in images a second, 0 when it was never measured."""
    if rate <= 0:
        return _("{pictures}; the time is known once some were indexed").format(pictures=wording.pictures(images))
    return _("{pictures}, about {images} on this computer").format(pictures=wording.pictures(images),
                                                                   images=wording.duration(images / rate))


def progress_in_words(progress: Progress) -> str:
    """ "812 of 8 094 · 31 pictures/s, about 4 min left"; the step's title while it counts nothing, or for others."""
    indexing = progress.step is WorkStep.INDEXING
    words = ("" if indexing and progress.total > 0 else progress.title, progress.counts(wording.count), progress.detail)
    return " · ".join(filter(None, words)) or WorkStep.SCANNING.value


def result_in_words(indexed: int, unchanged: int, moved: int, missing: int,
                    failed: "Sequence[FailureRecord]", passed: Counts = (), excluded: Counts = ()) -> str:
    """Summary of an indexing run."""
    words = [_("{pictures} indexed").format(pictures=wording.pictures(indexed)) if indexed else _("no new pictures")]
    words += [f"{wording.count(number)} {what}" for number, what in (
        (unchanged, "unchanged"), (moved, "moved"), (missing, "missing"), (len(failed), _("could not be read")),
    ) if number]
    return " ".join((_("Last run: {words}.").format(words=", ".join(words)), *describe_left_out(passed, excluded)))
