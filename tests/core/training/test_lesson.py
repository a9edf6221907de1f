"""What the words teach the voice: the loss against one written out, and that a voice learns by it."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from core.errors import TrainingError
from core.features.prepared_split import FeaturePreparer, Split
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.progress import silent
from core.training import distillation as lesson
from core.training import run as job
from core.training.distillation import TextDistillation
from core.training.run_folder import RunFolder

pytestmark = pytest.mark.slow


@pytest.fixture
def split(explorer, data: Path) -> Split:
    return FeaturePreparer(explorer.workspace, explorer.eyes, "centre").prepare(job.datasets.load(data), "train")


def silenced(split: Split, rows: tuple[int, ...], captions: bool = True) -> Split:
    """The split with nothing heard in some utterances, and no captions at all if so wanted."""
    spoken = [replace(one, transcript=replace(one.transcript, text="")) if row in rows else one
              for row, one in enumerate(split.spoken)]
    utterances = split.utterances if captions else [replace(each, caption="") for each in split.utterances]
    return replace(split, spoken=tuple(spoken), utterances=tuple(utterances))


def test_the_loss_is_the_divergence_of_likenesses_to_all_captions(explorer, split: Split) -> None:
    made = TextDistillation.of(explorer.eyes.built, split, 0.2, 0)
    captions = sorted({each.caption for each in split.utterances})
    bare = BrewCLIP(explorer.eyes.built, "zero-shot")
    rows, voice = torch.tensor([3, 0, 7]), torch.randn(3, made.captions.shape[1])
    expected = []
    with torch.no_grad():
        bank = [unit(bare.encode_texts([each])[0].numpy()) for each in captions]
        for row, said in zip(rows.tolist(), voice.numpy(), strict=True):
            words = unit(bare.encode_texts([split.spoken[row].transcript.text])[0].numpy())
            wanted = softmax([each @ words / 0.2 for each in bank])
            given = softmax([each @ unit(said) / 0.2 for each in bank])
            expected.append(sum(p * np.log(p / q) for p, q in zip(wanted, given, strict=True)))
    assert float(made.loss(voice, rows)) == pytest.approx(np.mean(expected), rel=1e-3)
    assert float(made.loss(made.words[rows] * 3, rows)) == pytest.approx(0, abs=1e-5)  # a voice that says its words


def unit(vector: np.ndarray) -> np.ndarray:
    return vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))


def softmax(scores: list[float]) -> np.ndarray:
    found = np.exp(np.array(scores) - max(scores))
    return found / found.sum()


def test_captions_speak_for_what_was_not_heard_and_without_any_words_nothing_is_taught(explorer, split: Split) -> None:
    built, voice = explorer.eyes.built, torch.randn(2, explorer.eyes.dim)
    whole, captioned = TextDistillation.of(built, split, 0.1, 0), TextDistillation.of(built, silenced(split, (1,)),
                                                                                      0.1, 0)
    assert captioned.words[1].any()  # the caption's
    assert torch.equal(captioned.words[0], whole.words[0])
    mute = TextDistillation.of(built, silenced(split, (1,), captions=False), 0.1, 0)
    assert not mute.words[1].any()
    both, first = mute.loss(voice, torch.tensor([0, 1])), mute.loss(voice[:1], torch.tensor([0]))
    assert float(both) == pytest.approx(float(first) / 2, rel=1e-5)
    with pytest.raises(TrainingError) as caught:
        TextDistillation.of(built, silenced(split, tuple(range(len(split.spoken))), captions=False), 0.1, 0)
    assert caught.value.kind == "no_words"


def test_of_very_many_captions_some_are_drawn_by_the_seed(explorer, split: Split, monkeypatch) -> None:
    monkeypatch.setattr(lesson, "MOST", 3)
    first, again, other = (TextDistillation.of(explorer.eyes.built, split, 0.1, seed).captions for seed in (0, 0, 1))
    assert len(first) == 3 and torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("noise", ["", "0"])
def test_a_taught_voice_comes_closer_to_its_words(explorer, data: Path, split: Split, little: ModuleType,
                                                  tmp_path: Path, noise: str) -> None:
    apart = []
    for teach in (0.0, 20.0):
        run = RunFolder(tmp_path / f"run {teach}")
        job.begin(run, little.recipe(data, "e2e", steps=40, rate=1e-2, teach=teach, noise=noise))
        job.train(explorer.workspace, run, silent)
        model = checkpoints.load(checkpoints.find(run.path), explorer.eyes)
        batch = model.collate([each.transcript for each in split.spoken], [each.states for each in split.spoken])
        made = TextDistillation.of(explorer.eyes.built, split, 0.1, 0)
        with torch.no_grad():
            apart.append(float(made.loss(model.encode_speech(batch).acoustic, torch.arange(len(split.spoken)))))
    assert apart[1] < 0.8 * apart[0], apart
