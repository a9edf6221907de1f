"""What the probes of one experiment read: recordings with their voices, means and branches, made when asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.emotion import pooling, probe, recordings
from core.emotion.branch_cache import KeptBranches
from core.emotion.branches import BranchEncoder
from core.emotion.classes import class_set
from core.emotion.layer_cache import Floats, VoiceLayers, Voices
from core.emotion.pooling import Pooling
from core.emotion.recordings import ActedRecordings
from core.errors import DatasetError
from core.features.speech_cache import CachedUtterance
from core.progress import Report, silent, steps

if TYPE_CHECKING:
    from core.explorer import Explorer

MANY = 8  # recordings of a speaker from which their own spread is known well enough
LITTLE = 1e-3  # of a deviation: keeps what never changes from being blown up


@dataclass(frozen=True, eq=False)
class ProbeDataset:
    """Recordings, heard. `voices` (n), () when no probe reads them; `spoken` (n) or (), and the `branches` of them, of
    which `shelf` keeps what was computed.
    """

    acted: ActedRecordings
    voices: Sequence[VoiceLayers]
    spoken: tuple[CachedUtterance, ...]
    branches: BranchEncoder | None
    own: "Statistics | None" = None
    as_is: "ProbeDataset | None" = None
    shelf: KeptBranches | None = None

    @property
    def heard_as_is(self) -> "ProbeDataset":
        """The same before speakers were standardised."""
        return self.as_is or self

    @cached_property
    def voiced(self) -> Floats:
        """(n, layers, width): means over the voice."""
        return pooling.means(self.voices, pauses=False)

    @cached_property
    def whole(self) -> Floats:
        """(n, layers, width): means over all frames."""
        return pooling.means(self.voices, pauses=True)

    @property
    def speakers(self) -> tuple[int, ...]:
        """(n,): who speaks."""
        return tuple(one.actor for one in self.acted.utterances)

    def differ(self, vectors: Floats, by_speaker: bool) -> bool:
        """Whether recordings differ in vectors (n, d), as heard, and would still do when standardised by speaker: a
        speaker's only recording is then zero.
        """
        return probe.differ(vectors) and not (by_speaker and len(set(self.speakers)) == len(vectors))

    @property
    def differs(self) -> bool:
        """Whether the recordings differ in any layer."""
        as_is = self.heard_as_is
        return self.differ(as_is.voiced.reshape(len(as_is.voices), -1), self.own is not None)

    def by_speaker(self) -> "ProbeDataset":
        """The same with each speaker's states standardised by themselves."""
        if not self.voices:
            return self
        own = statistics(self.voiced.reshape(len(self.voices), -1), self.speakers)
        return replace(self, own=own, as_is=self, voices=Standardised(self.voices, self.speakers, own, self._shape))

    def like(self, voices: Sequence[VoiceLayers], speakers: Sequence[int]) -> Sequence[VoiceLayers]:
        """Other voices of these speakers, standardised as they are, or not."""
        return Standardised(voices, speakers, self.own, self._shape) if self.own else voices

    @property
    def _shape(self) -> tuple[int, int]:
        layers, _, width = self.voices[0].states.shape
        return layers, width

    def means(self, view: Pooling) -> Floats:
        """(n, d) of a view."""
        return pooling.vectors(self.whole if view.pauses else self.voiced, view)


def gather(explorer: "Explorer", folder: Path, classes: int, needs: frozenset[str], checkpoint: Path | None,
           report: Report = silent, follow_links: bool = False) -> ProbeDataset:
    """Hear the recordings of a RAVDESS folder for probes with such `needs` ("voice", "branches").

    What cannot be read is left out, with a note. DatasetError as `recordings.load`, and too_few when none can be read.
    WeightsError, ModelError, StoreError: what was heard is kept.
    """
    looking, loading, listening, hearing = steps(report, 0, 0, "voice" in needs, "branches" in needs)
    acted = recordings.load(folder, class_set(classes), looking, follow_links)
    paths = [one.recording for one in acted.utterances if one.recording is not None]
    branches = BranchEncoder(explorer, checkpoint, loading) if "branches" in needs else None
    voices = Voices(explorer, loading).all(paths, listening) if "voice" in needs else []
    spoken = branches.hear(paths, hearing) if branches is not None else []
    unreadable = {place: one for place, one in enumerate(voices) if isinstance(one, str)}
    unreadable |= {place: one.reason for place, one in enumerate(spoken) if one.reason}
    kept = [place for place in range(len(paths)) if place not in unreadable]
    acted = recordings.without(acted, unreadable)
    if len(set(acted.labels)) < 2:
        raise DatasetError(f"Too few recordings of {folder.name} can be read: {next(iter(unreadable.values()))}",
                           "too_few")
    heard = tuple(one for place, one in enumerate(voices) if place in set(kept) and isinstance(one, VoiceLayers))
    if branches is None:
        return ProbeDataset(acted, heard, (), None)
    whole = tuple(spoken[place] for place in kept)
    shelf = KeptBranches(explorer, branches, [paths[place] for place in kept], whole)
    return ProbeDataset(acted, heard, whole, branches, shelf=shelf)


class Standardised(Sequence[VoiceLayers]):
    """Voices with their states standardised by `own` statistics of layers side by side; made when asked for."""

    def __init__(self, voices: Sequence[VoiceLayers], speakers: Sequence[int], own: "Statistics", shape: tuple[int, int]
                 ) -> None:
        self._voices, self._speakers, self._own, self._shape = voices, speakers, own, shape

    def __len__(self) -> int:
        return len(self._voices)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        mean, scale = self._own.of[self._speakers[place]]
        return standardised(self._voices[place], mean.reshape(self._shape), scale.reshape(self._shape))


def standardised(voice: VoiceLayers, mean: Floats, scale: Floats) -> VoiceLayers:
    """The voice with its states (layers, t, width) brought to a mean and scale (layers, width)."""
    states = (voice.states.astype(np.float32) - mean[:, None]) / scale[:, None]
    return VoiceLayers(states.astype(np.float16), voice.share)


@dataclass(frozen=True, eq=False)
class Statistics:
    """What vectors (d,) of speakers are standardised by: each one's `mean` and `scale`; `usual` scale of all."""

    of: Mapping[int, tuple[Floats, Floats]]
    usual: Floats

    def apply(self, vectors: Floats, speakers: Sequence[int]) -> Floats:
        """(n, d) of (n, d), each by its speaker's."""
        means = np.stack([self.of[one][0] for one in speakers])
        scales = np.stack([self.of[one][1] for one in speakers])
        return ((vectors - means) / scales).astype(np.float32)

    @property
    def kept(self) -> dict[str, Floats]:
        """The mean of the speakers' means and the usual scale, for someone of whom nothing is known."""
        return {"typical": np.mean([mean for mean, _ in self.of.values()], axis=0), "usual": self.usual}


def of_few(vectors: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """Mean and scale (d,) of someone with a few recordings (k, d); with less than `MANY` the scale is the usual one."""
    scale = vectors.std(axis=0) + LITTLE if len(vectors) >= MANY else usual
    return vectors.mean(axis=0), scale.astype(np.float32)


def statistics(vectors: Floats, speakers: Sequence[int]) -> Statistics:
    """Each speaker's own mean and deviation over all their recordings (n, d): no label is used, several are needed."""
    groups = {one: vectors[np.array(speakers) == one] for one in sorted(set(speakers))}
    many = [group.std(axis=0) for group in groups.values() if len(group) >= MANY] or [vectors.std(axis=0)]
    usual = (np.mean(many, axis=0) + LITTLE).astype(np.float32)
    return Statistics({one: of_few(group, usual) for one, group in groups.items()}, usual)
