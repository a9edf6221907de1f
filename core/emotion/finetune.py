"""Fine-tuning: prompts and acoustic layer are trained with the linear layer (the paper's "Finetuned"), on recordings
and their noisy, stretched and shifted copies. Whisper and the text tower stay frozen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from core.emotion import pooling, probe
from core.emotion.augment import CHANGES
from core.emotion.dataset import ProbeDataset
from core.emotion.features import REFERENCE, Feature
from core.emotion.finetune_heads import BranchHead, Ensemble, FineTuneHead, LayerMixHead, text_batch, text_rows
from core.emotion.layer_cache import Floats, VoiceLayerCache, VoiceLayers
from core.emotion.pooling import Pooling
from core.emotion.probe import Labels
from core.emotion.probes import Arrays, Curve, Rows, progressing
from core.models.brewclip import SpokenBatch
from core.models.variants import BrewClipOptions
from core.progress import Progress, Report, WorkStep, silent
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

TUNED = ("layers", "fused", "acoustic", "text", REFERENCE)
BATCH = 32
WARM = 0.1  # of the steps
LARGEST = 4.0  # norm of a gradient, of one member
LEAST = 3.0  # frames of voice that a stretch has
SMALL = BrewClipOptions(feed_forward=1024, dropout=0.2)  # of the layer over all of Whisper's layers
BLENDED = 0.7  # of a Dirichlet distribution: blends of speakers in which few have most of the share
Variants = Mapping[str, Sequence[VoiceLayers]]


@dataclass(frozen=True)
class FineTuneRecipe:
    """Hyperparameters of fine-tuning. `slow`: learning rate of what a linear probe has learned already. `as_is`: share
    of recordings taken as they are and not as one of their copies; `cut`: largest share of one that is left out;
    `others`: share of those moved to the mean of other speakers, a blend of those learned from. `members` of the
    ensemble.
    """

    epochs: int = 20
    rate: float = 3e-4
    slow: float = 3e-5
    as_is: float = 0.25
    cut: float = 0.0
    others: float = 0.0
    members: int = 1


LAYERS = FineTuneRecipe(rate=1e-4, slow=1e-5, as_is=0.55, cut=0.4, others=0.5, members=3)  # as docs/emotion.md tells
RECIPES: Mapping[str, FineTuneRecipe] = {key: LAYERS if key == "layers" else FineTuneRecipe() for key in TUNED}


@dataclass(frozen=True, eq=False)
class FineTunedModel:
    """Fine-tuned head and the standardisation of its input: `mean`, `scale` (layers, width), None for Z_A as it is."""

    head: FineTuneHead
    mean: Floats | None
    scale: Floats | None

    @property
    def device(self) -> torch.device:
        """Device in use."""
        return next(self.head.parameters()).device

    def batch(self, voices: Sequence[VoiceLayers]) -> tuple[Tensor, Tensor]:
        """States, padded, and the share of voice, -1 where there is no frame."""
        states = [self._states(voice) for voice in voices]
        longest = max(len(voice.share) for voice in voices)
        share = torch.full((len(voices), longest), -1.0)
        padded = torch.zeros(len(voices), *states[0].shape[:-2], longest, states[0].shape[-1])
        for row, (voice, own) in enumerate(zip(voices, states, strict=True)):
            padded[row, ..., :len(voice.share), :] = torch.from_numpy(own)
            share[row, :len(voice.share)] = torch.from_numpy(np.array(voice.share))
        return padded.to(self.device), share.to(self.device)

    @torch.inference_mode()
    def predict_proba(self, voices: Sequence[VoiceLayers], texts: SpokenBatch | None, features: bool = False) -> Floats:
        """(n, classes) probabilities, or (n, dim) features, of voices."""
        self.head.eval()
        parts = []
        for start in range(0, len(voices), BATCH):
            states, share = self.batch(voices[start:start + BATCH])
            rows = range(start, min(start + BATCH, len(voices)))
            text = None if texts is None else text_rows(texts, rows).to(self.device)
            output = self.head.features(states, share, text) if features else \
                self.head(states, share, text).softmax(dim=1)
            parts.append(output.float().cpu().numpy())
        return np.concatenate(parts)

    def curve(self, voice: VoiceLayers, texts: SpokenBatch | None) -> Curve:
        """Probabilities over the time of a voice; `texts` of the whole."""
        times, parts = pooling.stretches(voice)
        return times, self.predict_proba(parts, None if texts is None else text_rows(texts, [0] * len(parts)))

    def _states(self, voice: VoiceLayers) -> Floats:
        if self.mean is None or self.scale is None:
            return np.asarray(voice.states[-1], np.float32)
        states: Floats = (voice.states.astype(np.float32) - self.mean[:, None]) / self.scale[:, None]
        return states


class FineTunedProbe:
    """Estimator that fine-tunes one feature. Copies of the recordings are encoded once and kept, as these are."""

    def __init__(self, workspace: Workspace, kind: str, dataset: ProbeDataset, report: Report = silent) -> None:
        self._dataset, self._kind = dataset, kind
        self._layers = VoiceLayerCache(workspace, report)
        self._source = dataset if kind == "layers" else dataset.unstandardised
        self.chosen = ""

    def fit(self, rows: Rows, seed: int, report: Report) -> Self:
        """Learn from recordings."""
        copies = self._copies(rows, report)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._model = model = self._begin(rows, copies, seed, report)
            _descend(model, RECIPES[self._kind], copies, self._speaker_means(rows), self._dataset.labels(rows),
                     self._texts(rows), seed, report)
        return self

    @property
    def arrays(self) -> Arrays:
        """Arrays by name, to apply the fitted probe to other voices."""
        tensors = self._model.head.state_dict()
        arrays = {f"tensor:{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        if self._model.mean is not None and self._model.scale is not None:
            arrays |= {"mean": self._model.mean, "scale": self._model.scale}
        return arrays

    def predict_proba(self, rows: Rows) -> Floats:
        """Class probabilities of recordings, (k, classes)."""
        return self._model.predict_proba([self._source.voices[row] for row in rows], self._texts(rows))

    def curves(self, rows: Rows, report: Report) -> list[Curve]:
        """Class probabilities over the time of recordings."""
        return [self._model.curve(self._source.voices[row], self._texts([row])) for row in progressing(rows, report)]

    def vectors(self, seed: int) -> Floats:
        """Features (n, d) of the head trained last, for confounds."""
        voices = self._source.voices
        return self._model.predict_proba(voices, self._texts(range(len(voices))), features=True)

    def differs(self, report: Report) -> bool:
        """Whether the recordings differ in the feature; descent on branches needs no difference."""
        return self._kind != "layers" or self._dataset.differs

    def _texts(self, rows: Rows) -> SpokenBatch | None:
        """Transcripts or captions of recordings; None where the feature has no text."""
        if self._kind not in ("fused", "text", REFERENCE):
            return None
        branches = self._dataset.branches
        assert branches is not None
        transcripts = [self._dataset.spoken[row].transcript for row in rows]
        if self._kind == REFERENCE:
            transcripts = [replace(transcript, text=self._dataset.recordings.utterances[row].caption)
                           for transcript, row in zip(transcripts, rows, strict=True)]
        return text_batch(branches.model(0), transcripts)

    def _copies(self, rows: Rows, report: Report) -> Variants:
        """The recordings as they are and changed; a change that cannot be encoded leaves one as it is."""
        originals = [self._dataset.unstandardised.voices[row] for row in rows]
        records = [self._dataset.recordings.utterances[row] for row in rows]
        paths = [record.recording for record in records if record.recording is not None]
        copies: dict[str, Sequence[VoiceLayers]] = {"": [self._source.voices[row] for row in rows]}
        for name, change in CHANGES.items():
            changed = self._layers.load(paths, report, name, change)
            voices = [original if isinstance(voice, str) else voice
                      for voice, original in zip(changed, originals, strict=True)]
            copies[name] = self._source.like(voices, [record.actor for record in records])
        return copies

    def _begin(self, rows: Rows, copies: Variants, seed: int, report: Report) -> FineTunedModel:
        """The model before it is trained: that of the layers begins with a linear probe, learned from copies as well.
        """
        dataset = self._dataset
        if self._kind != "layers":
            assert dataset.branches is not None
            model = dataset.branches.model(seed)
            self.chosen = "prompts and acoustic layer" if self._kind in ("fused", "acoustic") else "prompts"
            head = BranchHead(model, self._kind, dataset.classes)
            return FineTunedModel(head.to(model.log_scale.device), None, None)
        means, labels = dataset.voiced[list(rows)], dataset.labels(rows)
        mean, scale = means.mean(axis=0), means.std(axis=0)
        scale = np.where(scale > probe.EVEN, scale, 1).astype(np.float32)
        changed = [means, *(pooling.means(copies[name], pauses=False) for name in CHANGES)]
        points = ((np.concatenate(changed) - mean) / scale).reshape(-1, mean.size)
        labels, speakers = np.tile(labels, len(changed)), dataset.speakers_of(rows) * len(changed)
        view = str(Pooling(tuple(range(means.shape[1]))))
        settings = probe.choose({view: points}, labels, speakers, report)
        start = probe.fit(points, labels, dataset.classes, settings.strength)
        members = [LayerMixHead(start, means.shape[1], means.shape[2], SMALL)
                   for _ in range(RECIPES[self._kind].members)]
        self.chosen = str(settings)
        return FineTunedModel(Ensemble(members), mean, scale)

    def _speaker_means(self, rows: Rows) -> "SpeakerMeans | None":
        """Means of the speakers learned from, standardised as the model's input; None where it reads Z_A alone."""
        if self._model.mean is None or self._model.scale is None:
            return None
        means = (self._dataset.voiced[list(rows)] - self._model.mean) / self._model.scale
        return SpeakerMeans.of(means, self._dataset.speakers_of(rows))


@dataclass(frozen=True, eq=False)
class SpeakerMeans:
    """The `means` (s, layers, width) of speakers, and which of them is that of a recording (n)."""

    means: Floats
    which: Sequence[int]

    @staticmethod
    def of(voiced: Floats, speakers: Sequence[int]) -> "SpeakerMeans":
        """From means of recordings (n, layers, width) and who speaks."""
        names = sorted(set(speakers))
        means = np.stack([voiced[np.array(speakers) == name].mean(axis=0) for name in names])
        return SpeakerMeans(means, [names.index(speaker) for speaker in speakers])

    def to_others(self, number: int, draw: np.random.Generator) -> Floats:
        """(layers, width): from the mean of a recording's speaker to that of a blend of all, drawn."""
        shares = draw.dirichlet(np.full(len(self.means), BLENDED))
        moved: Floats = (np.tensordot(shares, self.means, 1) - self.means[self.which[number]]).astype(np.float32)
        return moved


def _descend(model: FineTunedModel, recipe: FineTuneRecipe, copies: Variants, speakers: SpeakerMeans | None,
             labels: Labels, texts: SpokenBatch | None, seed: int, report: Report) -> None:
    """Train; whether a recording is taken as it is or changed is drawn anew in each epoch."""
    draw, names = np.random.default_rng(seed), ["", *CHANGES]
    shares = [recipe.as_is, *[(1 - recipe.as_is) / len(CHANGES)] * len(CHANGES)]
    slow = model.head.pretrained()
    fast = [parameter for parameter in model.head.parameters() if not any(parameter is parameter for parameter in slow)]
    groups = [{"params": fast, "lr": recipe.rate}, *([{"params": slow, "lr": recipe.slow}] if slow else [])]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    steps = recipe.epochs * -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (WARM * steps), (steps - step) / (steps * (1 - WARM))))
    targets = torch.from_numpy(labels).to(model.device)
    model.head.train()
    for epoch in range(recipe.epochs):
        order = draw.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            report(Progress(WorkStep.FINE_TUNING, epoch, recipe.epochs))
            part = order[start:start + BATCH].tolist()
            voices = [copies[names[draw.choice(len(names), p=shares)]][number] for number in part]
            states, share = model.batch([shortened(voice, recipe.cut, draw) for voice in voices])
            for row, number in enumerate(part):
                if speakers is not None and draw.random() < recipe.others:
                    moved = torch.from_numpy(speakers.to_others(number, draw)).to(model.device)
                    states[row] += moved[:, None] * (share[row] >= 0)[:, None]
            text = None if texts is None else text_rows(texts, part).to(model.device)
            loss = model.head.loss(states, share, text, targets[part])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.head.parameters(), LARGEST * recipe.members ** 0.5)
            optimiser.step()
            schedule.step()


def shortened(voice: VoiceLayers, most: float, draw: np.random.Generator) -> VoiceLayers:
    """A stretch of a voice, drawn; at most that share of it is left out, and never all that is voice."""
    if most == 0:
        return voice
    length = max(1, round(len(voice.share) * draw.uniform(1 - most, 1)))
    start = int(draw.integers(0, len(voice.share) - length + 1))
    share = voice.share[start:start + length]
    return VoiceLayers(voice.states[:, start:start + length], share) if share.sum() >= LEAST else voice


def fine_tuned_probe_of(workspace: Workspace, feature: Feature, dataset: ProbeDataset) -> FineTunedProbe:
    """The estimator that fine-tunes a feature. DatasetError ("no_feature") when the model lacks that branch."""
    if feature.key != "layers":
        assert dataset.branches is not None
        dataset.branches.check(feature.key)
    return FineTunedProbe(workspace, feature.key, dataset)


def restore(kind: str, model: "BrewCLIP | None", arrays: Arrays, classes: int) -> FineTunedModel:
    """The model whose arrays were kept; `model` for all kinds but "layers"."""
    tensors = {name.removeprefix("tensor:"): torch.from_numpy(np.array(array)) for name, array in arrays.items()
               if name.startswith("tensor:")}
    if kind != "layers":
        assert model is not None
        head = BranchHead(model, kind, classes)
        head.load_state_dict(tensors)
        return FineTunedModel(head.to(model.log_scale.device), None, None)
    layers, width = arrays["mean"].shape
    start = probe.LinearProbe(np.zeros((classes, layers * width), np.float32), np.zeros(classes, np.float32))
    if "mix" in tensors:  # of a run from when there was one member
        tensors = {f"members.0.{name}": tensor for name, tensor in tensors.items()}
    members = len({name.split(".")[1] for name in tensors})
    ensemble = Ensemble([LayerMixHead(start, layers, width, SMALL) for _ in range(members)])
    ensemble.load_state_dict(tensors)
    return FineTunedModel(ensemble, np.asarray(arrays["mean"], np.float32), np.asarray(arrays["scale"], np.float32))
