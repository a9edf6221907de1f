"""Fine-tuning: prompts and acoustic layer learn with the linear layer (the paper's "Finetuned"), from recordings and
their noisy, stretched and shifted copies. Whisper and the text tower stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.emotion import pooling, probe
from core.emotion.augment import CHANGES
from core.emotion.dataset import ProbeDataset
from core.emotion.features import REFERENCE, Feature
from core.emotion.finetune_heads import BranchHead, Ensemble, FineTuneHead, LayerMixHead, rows, words_of
from core.emotion.layer_cache import Floats, VoiceLayers, Voices
from core.emotion.pooling import Pooling
from core.emotion.probes import Curve, Kept, Places, labels_of, say, told
from core.models.brewclip import SpokenBatch
from core.models.variants import BrewClipOptions
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    from core.explorer import Explorer
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
    """How a feature is fine-tuned. `slow`: the rate of what a linear probe has learned already. `as_is`: how often a
    recording is taken as it is and not as one of its copies; `cut`: what share of it is left out at most; `others`: how
    often it is moved to the mean of other speakers, a blend of those learned from. `members` learn, and are averaged.
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
class FineTunedProbe:
    """A tuned hearer and how voices are brought to it: `mean`, `scale` (layers, width), None for Z_A as it is."""

    hearer: FineTuneHead
    mean: Floats | None
    scale: Floats | None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.hearer.parameters()).device

    def batch(self, voices: Sequence[VoiceLayers]) -> tuple[Tensor, Tensor]:
        """States, padded, and the share of voice, -1 where there is no frame."""
        states = [self._states(voice) for voice in voices]
        longest = max(len(voice.share) for voice in voices)
        share = torch.full((len(voices), longest), -1.0)
        padded = torch.zeros(len(voices), *states[0].shape[:-2], longest, states[0].shape[-1])
        for row, (voice, one) in enumerate(zip(voices, states, strict=True)):
            padded[row, ..., :len(voice.share), :] = torch.from_numpy(one)
            share[row, :len(voice.share)] = torch.from_numpy(np.array(voice.share))
        return padded.to(self.device), share.to(self.device)

    @torch.inference_mode()
    def read(self, voices: Sequence[VoiceLayers], words: SpokenBatch | None, features: bool = False) -> Floats:
        """(n, classes) probabilities, or (n, dim) features, of voices."""
        self.hearer.eval()
        found = []
        for start in range(0, len(voices), BATCH):
            states, share = self.batch(voices[start:start + BATCH])
            part = range(start, min(start + BATCH, len(voices)))
            said = None if words is None else rows(words, part).to(self.device)
            vectors = self.hearer.features(states, share, said) if features else \
                self.hearer(states, share, said).softmax(dim=1)
            found.append(vectors.float().cpu().numpy())
        return np.concatenate(found)

    def _states(self, voice: VoiceLayers) -> Floats:
        if self.mean is None or self.scale is None:
            return np.asarray(voice.states[-1], np.float32)
        states: Floats = (voice.states.astype(np.float32) - self.mean[:, None]) / self.scale[:, None]
        return states


def ear_curve(ear: FineTunedProbe, voice: VoiceLayers, words: SpokenBatch | None) -> Curve:
    """What it says over the time of a voice; `words` of the whole."""
    times, parts = pooling.stretches(voice)
    return times, ear.read(parts, None if words is None else rows(words, [0] * len(parts)))


@dataclass(frozen=True, eq=False)
class FittedEar:
    """As `probers.Fitted`."""

    source: "TunedProber"
    ear: FineTunedProbe
    said: str

    @property
    def kept(self) -> Kept:
        """As `Fitted`."""
        arrays = {f"tensor:{name}": each.detach().cpu().numpy() for name, each in self.ear.hearer.state_dict().items()}
        if self.ear.mean is not None and self.ear.scale is not None:
            arrays |= {"mean": self.ear.mean, "scale": self.ear.scale}
        return arrays

    def probabilities(self, places: Places) -> Floats:
        """As `Fitted`."""
        return self.ear.read([self.source.clean[place] for place in places], self.source.words(places))

    def curves(self, places: Places, report: Report) -> list[Curve]:
        """As `Fitted`."""
        return [ear_curve(self.ear, self.source.clean[place], self.source.words([place]))
                for place in told(places, report)]


class TunedProber:
    """Learns one feature by fine-tuning. The copies are heard once and kept, as the recordings are."""

    def __init__(self, explorer: "Explorer", kind: str, material: ProbeDataset, report: Report = silent) -> None:
        self._material, self._kind = material, kind
        self._listening = Voices(explorer, report)
        self._source = material if kind == "layers" else material.heard_as_is
        self.clean = self._source.voices
        self._last: FineTunedProbe | None = None

    def fit(self, places: Places, seed: int, report: Report) -> FittedEar:
        """As `ProbeTrainer`."""
        copies = self._copies(places, report)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            ear, said = self._begin(places, copies, seed, report)
            speakers = self._speakers(ear, places)
            _descend(ear, RECIPES[self._kind], copies, speakers, labels_of(self._material, places), self.words(places),
                     seed, report)
        self._last = ear
        return FittedEar(self, ear, said)

    def vectors(self, seed: int) -> Floats:
        """As `ProbeTrainer`: of what was learned last."""
        assert self._last is not None
        return self._last.read(self.clean, self.words(range(len(self.clean))), features=True)

    def differs(self, report: Report) -> bool:
        """As `ProbeTrainer`. Branches are learned by descent, which needs no difference."""
        return self._kind != "layers" or self._material.differs

    def words(self, places: Places) -> SpokenBatch | None:
        """What is read of recordings: as heard, or as written; None where words are not read."""
        if self._kind not in ("fused", "text", REFERENCE):
            return None
        branches = self._material.branches
        assert branches is not None
        said = [self._material.spoken[place].transcript for place in places]
        if self._kind == REFERENCE:
            said = [replace(one, text=self._material.acted.utterances[place].caption)
                    for one, place in zip(said, places, strict=True)]
        return words_of(branches.model(0), said)

    def _copies(self, places: Places, report: Report) -> Variants:
        """The recordings as they are and changed; a change that cannot be heard leaves one as it is."""
        as_is = [self._material.heard_as_is.voices[place] for place in places]
        acted = [self._material.acted.utterances[place] for place in places]
        paths = [one.recording for one in acted if one.recording is not None]
        found: dict[str, Sequence[VoiceLayers]] = {"": [self.clean[place] for place in places]}
        for name, change in CHANGES.items():
            heard = self._listening.all(paths, report, name, change)
            whole = [clean if isinstance(one, str) else one for one, clean in zip(heard, as_is, strict=True)]
            found[name] = self._source.like(whole, [one.actor for one in acted])
        return found

    def _begin(self, places: Places, copies: Variants, seed: int, report: Report) -> tuple[FineTunedProbe, str]:
        """The ear before it is tuned: that of the layers says what a linear probe learned, from the copies as well."""
        classes = len(self._material.acted.classes)
        if self._kind != "layers":
            assert self._material.branches is not None
            model = self._material.branches.model(seed)
            return FineTunedProbe(BranchHead(model, self._kind, classes).to(model.log_scale.device), None, None), \
                "prompts and acoustic layer" if self._kind in ("fused", "acoustic") else "prompts"
        means, labels = self._material.voiced[list(places)], labels_of(self._material, places)
        mean, scale = means.mean(axis=0), means.std(axis=0)
        scale = np.where(scale > probe.EVEN, scale, 1).astype(np.float32)
        changed = [means, *(pooling.means(copies[name], pauses=False) for name in CHANGES)]
        points = ((np.concatenate(changed) - mean) / scale).reshape(-1, mean.size)
        labels, speakers = np.tile(labels, len(changed)), [self._material.speakers[place] for place in places]
        view = str(Pooling(tuple(range(means.shape[1]))))
        chosen = probe.choose({view: points}, labels, speakers * len(changed), report)
        start = probe.fit(points, labels, classes, chosen.strength)
        members = [LayerMixHead(start, means.shape[1], means.shape[2], SMALL)
                   for _ in range(RECIPES[self._kind].members)]
        return FineTunedProbe(Ensemble(members), mean, scale), say(chosen)

    def _speakers(self, ear: FineTunedProbe, places: Places) -> "SpeakerMeans | None":
        """The speakers learned from, as the ear hears them; None where it hears Z_A alone."""
        if ear.mean is None or ear.scale is None:
            return None
        means = (self._material.voiced[list(places)] - ear.mean) / ear.scale
        return SpeakerMeans.of(means, [self._material.speakers[place] for place in places])


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
        return SpeakerMeans(means, [names.index(one) for one in speakers])

    def to_others(self, number: int, draw: np.random.Generator) -> Floats:
        """(layers, width): from the mean of a recording's speaker to that of a blend of all, drawn."""
        shares = draw.dirichlet(np.full(len(self.means), BLENDED))
        moved: Floats = (np.tensordot(shares, self.means, 1) - self.means[self.which[number]]).astype(np.float32)
        return moved


def _descend(ear: FineTunedProbe, recipe: FineTuneRecipe, copies: Variants, speakers: SpeakerMeans | None, labels: Any,
             words: SpokenBatch | None, seed: int, report: Report) -> None:
    """Train; each recording is taken as it is or changed, drawn anew in each epoch."""
    draw, names = np.random.default_rng(seed), ["", *CHANGES]
    shares = [recipe.as_is, *[(1 - recipe.as_is) / len(CHANGES)] * len(CHANGES)]
    slow = ear.hearer.learned_before()
    fast = [each for each in ear.hearer.parameters() if not any(each is other for other in slow)]
    groups = [{"params": fast, "lr": recipe.rate}, *([{"params": slow, "lr": recipe.slow}] if slow else [])]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    steps = recipe.epochs * -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (WARM * steps), (steps - step) / (steps * (1 - WARM))))
    targets = torch.from_numpy(labels).to(ear.device)
    ear.hearer.train()
    for epoch in range(recipe.epochs):
        order = draw.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            report(Progress(WorkStep.FINE_TUNING, epoch, recipe.epochs))
            part = order[start:start + BATCH].tolist()
            voices = [copies[names[draw.choice(len(names), p=shares)]][number] for number in part]
            states, share = ear.batch([shortened(voice, recipe.cut, draw) for voice in voices])
            for row, number in enumerate(part):
                if speakers is not None and draw.random() < recipe.others:
                    moved = torch.from_numpy(speakers.to_others(number, draw)).to(ear.device)
                    states[row] += moved[:, None] * (share[row] >= 0)[:, None]
            said = None if words is None else rows(words, part).to(ear.device)
            loss = ear.hearer.loss(states, share, said, targets[part])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(ear.hearer.parameters(), LARGEST * recipe.members ** 0.5)
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


def tuned_prober(explorer: "Explorer", one: Feature, material: ProbeDataset) -> TunedProber:
    """The prober that fine-tunes a feature. DatasetError ("no_feature") when the model lacks that branch."""
    if one.key != "layers":
        assert material.branches is not None
        material.branches.check(one.key)
    return TunedProber(explorer, one.key, material)


def restore(kind: str, model: "BrewCLIP | None", kept: Kept, classes: int) -> FineTunedProbe:
    """The ear whose arrays were kept; `model` for all kinds but "layers"."""
    tensors = {name.removeprefix("tensor:"): torch.from_numpy(np.array(array)) for name, array in kept.items()
               if name.startswith("tensor:")}
    if kind != "layers":
        assert model is not None
        made = BranchHead(model, kind, classes)
        made.load_state_dict(tensors)
        return FineTunedProbe(made.to(model.log_scale.device), None, None)
    layers, width = kept["mean"].shape
    start = probe.LinearProbe(np.zeros((classes, layers * width), np.float32), np.zeros(classes, np.float32))
    if "mix" in tensors:  # of a run from when there was one member
        tensors = {f"members.0.{name}": tensor for name, tensor in tensors.items()}
    members = len({name.split(".")[1] for name in tensors})
    mine = Ensemble([LayerMixHead(start, layers, width, SMALL) for _ in range(members)])
    mine.load_state_dict(tensors)
    return FineTunedProbe(mine, np.asarray(kept["mean"], np.float32), np.asarray(kept["scale"], np.float32))
