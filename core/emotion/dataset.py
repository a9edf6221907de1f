"""Recordings of one experiment with their layers, means and branches, computed when asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.asr.transcript import EncodedUtterance
from core.emotion import pooling, probe, recordings
from core.emotion.branch_cache import BranchCache
from core.emotion.branches import BranchEncoder
from core.emotion.classes import class_set
from core.emotion.layer_cache import Floats, VoiceLayerCache, VoiceLayers
from core.emotion.pooling import Pooling
from core.emotion.probe import Labels
from core.emotion.recordings import ActedRecordings
from core.errors import DatasetError
from core.localisation import _
from core.progress import Report, silent, steps
from core.workspace import Workspace

MANY = 8  # recordings of a speaker from which their own spread is known well enough
LITTLE = 1e-3  # of a deviation: keeps what never changes from being blown up


@dataclass(frozen=True, eq=False)
class ProbeDataset:
    """n recordings with their features. `voices` (n), () when no probe reads them; `spoken` (n) or (), with the
    `branch_cache` of their vectors. `own` are the statistics that speakers were standardised by, `before` the same
    recordings before that.
    """

    recordings: ActedRecordings
    voices: Sequence[VoiceLayers]
    spoken: tuple[EncodedUtterance, ...] = ()
    branch_cache: BranchCache | None = None
    own: "Statistics | None" = None
    before: "ProbeDataset | None" = None

    @property
    def branches(self) -> BranchEncoder | None:
        """The model whose branches are probed."""
        return self.branch_cache.branches if self.branch_cache else None

    @property
    def unstandardised(self) -> "ProbeDataset":
        """The same before speakers were standardised."""
        return self.before or self

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.recordings.classes)

    def labels(self, rows: Sequence[int]) -> Labels:
        """Class numbers (k,) of recordings."""
        return np.array(self.recordings.labels, np.int64)[list(rows)]

    @cached_property
    def speakers(self) -> tuple[int, ...]:
        """Speakers (n,) of the recordings."""
        return tuple(record.actor for record in self.recordings.utterances)

    def speakers_of(self, rows: Sequence[int]) -> list[int]:
        """Speakers (k,) of some recordings."""
        return [self.speakers[row] for row in rows]

    @cached_property
    def voiced(self) -> Floats:
        """(n, layers, width): means over the voice."""
        return pooling.means(self.voices, pauses=False)

    @cached_property
    def all_frames(self) -> Floats:
        """(n, layers, width): means over all frames."""
        return pooling.means(self.voices, pauses=True)

    def differ(self, vectors: Floats, by_speaker: bool) -> bool:
        """Whether recordings differ in vectors (n, d), and would still do when standardised by speaker: a speaker's
        only recording is then zero.
        """
        return probe.differ(vectors) and not (by_speaker and len(set(self.speakers)) == len(vectors))

    @property
    def differs(self) -> bool:
        """Whether the recordings differ in any layer."""
        before = self.unstandardised
        return self.differ(before.voiced.reshape(len(before.voices), -1), self.own is not None)

    def by_speaker(self) -> "ProbeDataset":
        """The same with each speaker's states standardised by themselves."""
        if not self.voices:
            return self
        own = statistics(self.voiced.reshape(len(self.voices), -1), self.speakers)
        return replace(self, own=own, before=self, voices=Standardised(self.voices, self.speakers, own, self._shape))

    def like(self, voices: Sequence[VoiceLayers], speakers: Sequence[int]) -> Sequence[VoiceLayers]:
        """Other voices of these speakers, standardised as they are, or not."""
        return Standardised(voices, speakers, self.own, self._shape) if self.own else voices

    @property
    def _shape(self) -> tuple[int, int]:
        layers, _unused, width = self.voices[0].states.shape
        return layers, width

    def means(self, view: Pooling) -> Floats:
        """(n, d) of a view."""
        return pooling.vectors(self.all_frames if view.pauses else self.voiced, view)


def load(workspace: Workspace, folder: Path, classes: int, needs: frozenset[str], checkpoint: Path | None,
         report: Report = silent, follow_links: bool = False) -> ProbeDataset:
    """The recordings of a RAVDESS folder with the features of probes with such `needs` ("voice", "branches").

    What cannot be read is left out, with a note. DatasetError as `recordings.load`, and too_few when none can be read.
    WeightsError, ModelError, StoreError: what was computed is kept.
    """
    reading, loading, encoding, transcribing = steps(report, 0, 0, "voice" in needs, "branches" in needs)
    acted = recordings.load(folder, class_set(classes), reading, follow_links)
    paths = [record.recording for record in acted.utterances if record.recording is not None]
    branches = BranchEncoder(workspace, checkpoint, loading) if "branches" in needs else None
    voices = VoiceLayerCache(workspace, loading).load(paths, encoding) if "voice" in needs else []
    spoken = branches.utterances(paths, transcribing) if branches is not None else []
    unreadable = {row: voice for row, voice in enumerate(voices) if isinstance(voice, str)}
    unreadable |= {row: utterance.reason for row, utterance in enumerate(spoken) if utterance.reason}
    rows = [row for row in range(len(paths)) if row not in unreadable]
    acted = recordings.without(acted, unreadable)
    if len(set(acted.labels)) < 2:
        raise DatasetError(_("Too few recordings of {name} can be read: {next}").format(name=folder.name,
                                                                                        next=next(iter(
                                                                                            unreadable.values()))),
                           "too_few")
    readable = tuple(voice for row in rows if voices and isinstance(voice := voices[row], VoiceLayers))
    if branches is None:
        return ProbeDataset(acted, readable)
    utterances = tuple(spoken[row] for row in rows)
    return ProbeDataset(acted, readable, utterances,
                        BranchCache(workspace, branches, [paths[row] for row in rows], utterances))


class Standardised(Sequence[VoiceLayers]):
    """Voices standardised by `own` statistics of layers side by side, one at a time when asked for."""

    def __init__(self, voices: Sequence[VoiceLayers], speakers: Sequence[int], own: "Statistics", shape: tuple[int, int]
                 ) -> None:
        self._voices, self._speakers, self._own, self._shape = voices, speakers, own, shape

    def __len__(self) -> int:
        return len(self._voices)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[row] for row in range(*place.indices(len(self)))]
        mean, scale = self._own.of[self._speakers[place]]
        return standardised(self._voices[place], mean.reshape(self._shape), scale.reshape(self._shape))


def standardised(voice: VoiceLayers, mean: Floats, scale: Floats) -> VoiceLayers:
    """The voice with its states (layers, t, width) brought to a mean and scale (layers, width)."""
    states = (voice.states.astype(np.float32) - mean[:, None]) / scale[:, None]
    return VoiceLayers(states.astype(np.float16), voice.share)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and scale (d,) of each speaker's vectors, and the `usual` scale of all."""

    of: Mapping[int, tuple[Floats, Floats]]
    usual: Floats

    def apply(self, vectors: Floats, speakers: Sequence[int]) -> Floats:
        """(n, d) of (n, d), each by its speaker's."""
        means = np.stack([self.of[speaker][0] for speaker in speakers])
        scales = np.stack([self.of[speaker][1] for speaker in speakers])
        return ((vectors - means) / scales).astype(np.float32)

    @property
    def typical(self) -> dict[str, Floats]:
        """Mean of the speakers' means and the usual scale, for someone of whom nothing is known."""
        return {"typical": np.mean([mean for mean, _unused in self.of.values()], axis=0), "usual": self.usual}


def speaker_statistics(vectors: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """Mean and scale (d,) of someone with a few recordings (k, d); with less than `MANY` the scale is the usual one."""
    scale = vectors.std(axis=0) + LITTLE if len(vectors) >= MANY else usual
    return vectors.mean(axis=0), scale.astype(np.float32)


def statistics(vectors: Floats, speakers: Sequence[int]) -> Statistics:
    """Each speaker's own mean and deviation over all their recordings (n, d): no label is used, several are needed."""
    groups = {speaker: vectors[np.array(speakers) == speaker] for speaker in sorted(set(speakers))}
    many = [group.std(axis=0) for group in groups.values() if len(group) >= MANY] or [vectors.std(axis=0)]
    usual = (np.mean(many, axis=0) + LITTLE).astype(np.float32)
    return Statistics({speaker: speaker_statistics(group, usual) for speaker, group in groups.items()}, usual)
