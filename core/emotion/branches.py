"""The branches of a BrewCLIP as vectors of recordings: F_T, F_A and F_L of a checkpoint, or of a model as it begins."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.asr.transcript import EncodedUtterance, Transcript
from core.emotion.features import REFERENCE
from core.emotion.layer_cache import Floats
from core.errors import DatasetError, ModelError
from core.features.speech_cache import SpeechFeatureCache
from core.fingerprint import Fingerprint
from core.localisation import _
from core.models import backbones, checkpoints
from core.models.variants import BrewClipOptions
from core.progress import Progress, Report, WorkStep, silent
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP

AT_ONCE = 32
FRAMES = 50  # of states a second
HOP = FRAMES // 5
KINDS = ("fused", "acoustic", "text")
LAYOUT = 1  # of what is kept of them


@dataclass(frozen=True, eq=False)
class Vectors:
    """Branch vectors of n recordings: (n, dim) float32 by kind, not normalised; absent branches are missing."""

    by_kind: dict[str, Floats]


class BranchEncoder:
    """A model and what it hears. Without a checkpoint: the untrained model of a seed over the backbone in use."""

    def __init__(self, workspace: Workspace, checkpoint: Path | None, report: Report = silent) -> None:
        self._workspace = workspace
        self._backbone = workspace.backbone(report)
        self._recogniser = workspace.recogniser(report)
        self._speech = SpeechFeatureCache(workspace, "en")
        self._trained: BrewCLIP | None = None
        self._made_of = "untrained"
        self.title = f"untrained, over {self._backbone.title}"
        if checkpoint is not None:
            self._trained = self._load(checkpoint)
        self._models: dict[int, BrewCLIP] = {}
        self._prints: dict[int, str] = {}
        self._texts: dict[tuple[int, str], Floats] = {}

    @property
    def is_trained(self) -> bool:
        """Whether it comes from a checkpoint: then the seed changes nothing."""
        return self._trained is not None

    def utterances(self, recordings: Sequence[Path], report: Report = silent) -> list[EncodedUtterance]:
        """Transcripts and encoder states, kept as all other parts of the program keep them."""
        return self._speech.load(recordings, report=report)

    def fingerprint(self, seed: int) -> str:
        """Names all that decides the vectors: backbone, checkpoint or seed, and the recogniser."""
        if seed not in self._prints:
            drawn: dict[str, str | int | float] = {}
            if not self.is_trained:
                drawn = {"seed": seed, "options": repr(BrewClipOptions())}
            self._prints[seed] = Fingerprint.of({
                "backbone": self._backbone.fingerprint("").hash, "hearing": self._speech.fingerprint,
                "model": self._made_of, "layout": LAYOUT, **drawn}).hash
        return self._prints[seed]

    def model(self, seed: int) -> "BrewCLIP":
        """The checkpoint's model, or the untrained one of a seed."""
        if self._trained is not None:
            return self._trained
        if seed not in self._models:
            self._models[seed] = self._untrained(seed)
        return self._models[seed]

    def check(self, kind: str) -> None:
        """DatasetError ("no_feature") when the model has no such branch."""
        variant = self.model(0).variant
        if not {"text": variant.text, REFERENCE: variant.text, "acoustic": variant.acoustic}.get(kind, True):
            raise DatasetError(_("The model {title} has no {text} branch.").format(title=self.title, text="acoustic"
                                                                                   if kind == "acoustic" else "text"),
                               "no_feature")

    def vectors(self, spoken: Sequence[EncodedUtterance], seed: int, report: Report = silent) -> Vectors:
        """The vectors of recordings that could be read."""
        return self._vectors([utterance.transcript for utterance in spoken],
                             [np.concatenate(utterance.states) for utterance in spoken], seed, report)

    def words(self, texts: Sequence[str], seed: int) -> Floats:
        """(n, dim): F_T of texts as they are."""
        model = self.model(seed)
        return np.stack([self._text(model, seed, text) for text in texts])

    def windows(self, utterance: EncodedUtterance, seed: int) -> tuple[Floats, Vectors]:
        """Times (k,) in s, and vectors of the second around each. The words are those of the whole recording."""
        states = np.concatenate(utterance.states)
        starts = range(0, max(1, len(states) - FRAMES + 1), HOP)
        parts = [states[start:start + FRAMES] for start in starts]
        times = np.array([(start + len(part) / 2) / FRAMES for start, part in zip(starts, parts, strict=True)])
        return times.astype(np.float32), self._vectors([utterance.transcript] * len(parts), parts, seed, silent)

    def _load(self, folder: Path) -> "BrewCLIP":
        checkpoint = checkpoints.read(checkpoints.find(folder))
        padding = self._workspace.settings["speech.padding"]
        checkpoints.check_recogniser(checkpoint.run, self._recogniser.name, padding)
        if checkpoint.run.options.layers > 1:
            raise ModelError(_("{name} mixes layers of the recogniser; the probe of branches reads the last layer "
                               "alone. Nothing was computed; choose a model without the option layers.").format(
                                   name=folder.name), "layers")
        self._made_of = _digest(checkpoint)
        self.title = f"{folder.name} ({checkpoint.run.variant} over {backbones.title(checkpoint.run.backbone)})"
        return checkpoints.assemble(checkpoint, self._backbone)

    def _untrained(self, seed: int) -> "BrewCLIP":
        import torch

        from core.models.brewclip import BrewCLIP

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = BrewCLIP(self._backbone.built, "full", BrewClipOptions(), self._recogniser.width)
        return model.to(self._backbone.built.model.logit_scale.device).eval()

    def _vectors(self, transcripts: Sequence[Transcript], states: Sequence[NDArray[Any]], seed: int, report: Report
                 ) -> Vectors:
        import torch

        batches: dict[str, list[Floats]] = {kind: [] for kind in KINDS}
        with torch.inference_mode():
            for start in range(0, len(states), AT_ONCE):
                report(Progress(WorkStep.EMBEDDING_VOICES, start, len(states)))
                part = slice(start, start + AT_ONCE)
                for kind, vectors in self._batch(transcripts[part], states[part], seed).items():
                    batches[kind].append(vectors)
        return Vectors({kind: np.concatenate(parts) for kind, parts in batches.items() if parts})

    def _batch(self, transcripts: Sequence[Transcript], states: Sequence[NDArray[Any]], seed: int) -> dict[str, Floats]:
        """The vectors of one batch; a sentence that was embedded before is not embedded again."""
        import torch

        from core.models.brewclip import BranchFeatures

        model = self.model(seed)
        device = model.log_scale.device
        batch = model.collate(transcripts, [[one] for one in states]).to(device)
        text = acoustic = None
        if model.variant.text:
            text = torch.from_numpy(np.stack([self._text(model, seed, one.text) for one in transcripts])).to(device)
        if model.acoustic is not None and batch.states is not None:
            acoustic = model.acoustic(batch.states, batch.lengths, model.prompts).float()
        only = acoustic if text is None else text
        assert only is not None
        parts = model.parts(BranchFeatures(only, text, acoustic, batch.has_text), batch)
        present = [part for part in parts if part is not None]
        named = {"text": text, "acoustic": acoustic, "fused": sum(present[1:], present[0])}
        return {kind: vectors.float().cpu().numpy() for kind, vectors in named.items() if vectors is not None}

    def _text(self, model: "BrewCLIP", seed: int, text: str) -> Floats:
        import torch

        if (seed, text) not in self._texts:
            with torch.inference_mode():
                tokens = model.tokens([text])[0].to(model.log_scale.device)
                self._texts[seed, text] = model.encode_tokens(tokens)[0].cpu().numpy()
        return self._texts[seed, text]


def _digest(checkpoint: "checkpoints.Checkpoint") -> str:
    """Fingerprint of all trained parameters: the acoustic branch too, which is no part of a picture's fingerprint."""
    digest = hashlib.sha256(repr((checkpoint.run.variant, checkpoint.run.options)).encode())
    for name, tensor in sorted(checkpoint.tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
