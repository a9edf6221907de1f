"""Predictions of a run's probes for other voices, over the time of a recording, and the recordings kept with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import audio, plain_json, private_files
from core.asr.transcript import EncodedUtterance
from core.audio import RATE, Waveform
from core.emotion import pooling
from core.emotion.branches import BranchEncoder
from core.emotion.dataset import speaker_statistics, standardised
from core.emotion.features import REFERENCE
from core.emotion.layer_cache import FRAME, Floats, VoiceLayerCache, VoiceLayers, voiced
from core.emotion.learned_probes import Mixture
from core.emotion.pooling import Pooling
from core.emotion.probe import LinearProbe
from core.emotion.probes import Arrays, Curve, layers_curve, mixture_curve, unit
from core.emotion.run_store import TRIES, KeptRun
from core.errors import AudioError, StoreError
from core.localisation import _
from core.progress import Report, silent
from core.search.transcription import transcription_options
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.emotion.finetune import FineTunedModel
    from core.models.brewclip import SpokenBatch

ENOUGH = 3  # sentences of one's own from which their mean tells more of the voice than of the sentences
AROUND = 1.0  # s of silence that recordings of RAVDESS have before and after the voice
LIST = "tries.jsonl"


@dataclass(frozen=True, eq=False)
class Prediction:
    """Prediction for a recording: `probabilities` (classes,) of the whole, `curve` over its time."""

    probabilities: Floats
    curve: Curve


@dataclass(frozen=True)
class Trial:
    """A recording that was kept with a run, with its prediction; `path` is its FLAC file."""

    path: Path
    when: str
    feature: str
    probabilities: tuple[float, ...]


class ProbePredictor:
    """The probe of one feature of a run, with the models that it reads. WeightsError, ModelError, as for the run."""

    def __init__(self, workspace: Workspace, run: KeptRun, feature: str, report: Report = silent) -> None:
        self._workspace, self._options = workspace, run.result.options
        self._arrays: Arrays = run.result.answers[feature].probe
        self._feature, self._classes = feature, len(run.result.classes)
        self._voices = VoiceLayerCache(workspace, report)
        self._branches = BranchEncoder(workspace, self._options.checkpoint, report) if self._reads_branches else None
        self._fine_tuned: FineTunedModel | None = None
        self._own = (self._arrays["typical"], self._arrays["usual"]) if "typical" in self._arrays else None

    @property
    def takes_sentences(self) -> bool:
        """Whether speakers were standardised by themselves for this probe: then sentences of one's own help."""
        return self._own is not None

    def standardise_by(self, sentences: Sequence[Waveform]) -> None:
        """Standardise what follows by sentences of its speaker. AudioError ("too_few") with fewer than `ENOUGH`."""
        if len(sentences) < ENOUGH:
            raise AudioError(_("Record at least {enough} sentences to standardise by; there are {sentences}.").format(
                enough=ENOUGH, sentences=len(sentences)),
                             "too_few")
        voices = [voiced_part(voice)[1] for voice in sentences]
        if self._branches is not None:
            vectors = self._branches.vectors([self._encoded(voice) for voice in voices], 0).by_kind[self._kind]
        else:
            vectors = pooling.means([self._voices.of(voice) for voice in voices], pauses=False)
        self._own = speaker_statistics(vectors, self._arrays["usual"])

    def warm_up(self) -> None:
        """Have every model work once, so that the first prediction is as fast as the next ones."""
        noise = np.random.default_rng(0).normal(scale=0.05, size=RATE).astype(np.float32)
        self._predict(audio.from_samples(noise, RATE))

    def predict(self, waveform: Waveform) -> Prediction:
        """Prediction for a recording, as a whole and over its time.

        Silence beyond `AROUND` the voice is left out, as RAVDESS has it.
        """
        start, cut = voiced_part(waveform)
        prediction = self._predict(cut)
        times, shares = prediction.curve
        return Prediction(prediction.probabilities, (times + np.float32(start), shares))

    def _predict(self, waveform: Waveform) -> Prediction:
        if "weights" not in self._arrays:
            return self._by_fine_tuned(waveform)
        if self._reads_branches:
            return self._by_branches(waveform)
        voice = self._voice(waveform)
        if "mix" in self._arrays:
            arrays = self._arrays
            mixture = Mixture(arrays["mix"], arrays["mean"], arrays["scale"], arrays["query"], self._probe)
            return Prediction(mixture.predict_proba(voice), mixture_curve(voice, mixture))
        view = Pooling(tuple(int(number) for number in self._arrays["layers"]), bool(self._arrays["pauses"]))
        pooled = pooling.vectors(pooling.means([voice], view.pauses), view)
        return Prediction(self._probe.predict_proba(pooled)[0], layers_curve(voice, view, self._probe))

    @property
    def _reads_branches(self) -> bool:
        return not {"layers", "mix", "mean"} & set(self._arrays)

    @property
    def _probe(self) -> LinearProbe:
        return LinearProbe(self._arrays["weights"], self._arrays["bias"])

    def _voice(self, waveform: Waveform) -> VoiceLayers:
        voice = self._voices.of(waveform)
        return voice if self._own is None else standardised(voice, *self._own)

    def _by_branches(self, waveform: Waveform) -> Prediction:
        assert self._branches is not None
        spoken = self._encoded(waveform)
        vectors = self._prepared(self._branches.vectors([spoken], 0).by_kind[self._kind])
        times, parts = self._branches.windows(spoken, 0)
        curve = times, self._probe.predict_proba(self._prepared(parts.by_kind[self._kind]))
        return Prediction(self._probe.predict_proba(vectors)[0], curve)

    @property
    def _kind(self) -> str:
        return {"paper": "fused", "authors": "fused", "paper-text": "text", "authors-text": "text",
                REFERENCE: "text"}.get(self._feature, self._feature)

    def _prepared(self, vectors: Floats) -> Floats:
        if self._own is None:
            return unit(vectors)
        mean, scale = self._own
        even: Floats = ((vectors - mean) / scale).astype(np.float32)
        return even

    def _by_fine_tuned(self, waveform: Waveform) -> Prediction:
        from core.emotion import finetune as tuning
        from core.emotion.finetune_heads import text_batch

        if self._fine_tuned is None:
            model = self._branches.model(0) if self._branches is not None else None
            self._fine_tuned = tuning.restore(self._feature, model, self._arrays, self._classes)
        texts: SpokenBatch | None = None
        if self._branches is not None and self._feature != "acoustic":
            texts = text_batch(self._branches.model(0), [self._encoded(waveform).transcript])
        voice = self._voice(waveform)
        return Prediction(self._fine_tuned.predict_proba([voice], texts)[0], self._fine_tuned.curve(voice, texts))

    def _encoded(self, waveform: Waveform) -> EncodedUtterance:
        options = transcription_options(self._workspace.settings, word_times=False)
        return self._workspace.recogniser().transcribe([waveform], options)[0]


def voiced_part(waveform: Waveform) -> tuple[float, Waveform]:
    """Start of the voice, s, and the recording without the silence far from it."""
    frames = len(waveform.samples) // FRAME
    voiced_frames = np.flatnonzero(voiced(waveform, frames))
    first = max(0, int(voiced_frames[0]) * FRAME - round(AROUND * RATE))
    last = min(len(waveform.samples), (int(voiced_frames[-1]) + 1) * FRAME + round(AROUND * RATE))
    if last - first == len(waveform.samples):
        return 0.0, waveform
    return first / RATE, audio.from_samples(waveform.samples[first:last], RATE)


def keep(run: KeptRun, feature: str, waveform: Waveform, prediction: Prediction) -> Trial:
    """Keep a recording with a run. AudioError ("not_saved"), StoreError ("not_written"): what was kept before stays."""
    path = run.folder / TRIES / f"{waveform.digest[:16]}.flac"
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    trial = Trial(path, when, feature, tuple(round(float(share), 4) for share in prediction.probabilities))
    audio.write_flac(waveform, path)
    try:
        with (run.folder / TRIES / LIST).open("a", encoding="utf-8") as file:
            private_files.inherit(run.folder / TRIES / LIST)
            file.write(f"{json.dumps({**asdict(trial), 'path': path.name})}\n")
    except OSError as error:
        raise StoreError(_("The recording could not be kept with the run: {strerror}.").format(strerror=error.strerror
                                                                                               or error),
                         "not_written") from error
    return trial


def trials(run: KeptRun) -> list[Trial]:
    """The recordings of a run, oldest first; a line or a file that is damaged or gone is passed over."""
    try:
        lines = (run.folder / TRIES / LIST).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    parsed = [_trial(run.folder / TRIES, line) for line in lines]
    return [trial for trial in parsed if trial is not None and trial.path.is_file()]


def _trial(folder: Path, line: str) -> Trial | None:
    try:
        fields: dict[str, Any] = plain_json.loads(line)
        return Trial(folder / Path(fields["path"]).name, fields["when"], fields["feature"],
                     tuple(fields["probabilities"]))
    except plain_json.DAMAGE:
        return None
