"""What a run learns from, and what it is measured on."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import torch

from core import datasets
from core.errors import DatasetError, TrainingError
from core.evaluation.ranks import ranks, recall
from core.explorer import Explorer
from core.features import encode
from core.features.noise import CLEAN, Condition
from core.features.prepared_split import FeaturePreparer
from core.models.brewclip import BrewCLIP
from core.progress import JobCancelled, Progress
from core.training.dataset import HELD_OUT, PairDataset, conditions, with_dev
from core.training.recipe import TrainingOptions
from core.training.validation import WEIGHTS, Validator

pytestmark = pytest.mark.slow


def corpus(explorer: Explorer, data: Path, little: ModuleType, variant: str = "full", batch: int = 4, seed: int = 0,
           noise: str = "", drop_unheard: bool = False) -> PairDataset:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre")
    splits = [preparing.prepare(datasets.load(data), "train", each) for each in conditions(noise)]
    model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH)
    return PairDataset(splits, preparing.images, model, batch, seed, drop_unheard)


def places(found: PairDataset, steps: range) -> list[list[int]]:
    return [found.batches(step)[0].image_ids.tolist() for step in steps]


def test_a_batch_depends_on_the_seed_and_the_step_alone(explorer: Explorer, data: Path, little: ModuleType) -> None:
    one, again = corpus(explorer, data, little), corpus(explorer, data, little)
    assert places(one, range(20)) == places(again, range(20))
    assert one.chosen(13) == again.chosen(13) == corpus(explorer, data, little).chosen(13)
    assert one.chosen(13) != corpus(explorer, data, little, seed=1).chosen(13)


def test_an_epoch_has_every_pair_once(explorer: Explorer, data: Path, little: ModuleType) -> None:
    found = corpus(explorer, data, little)
    assert len(found) == 24 and found.steps_per_epoch == 6
    epochs = [[pair for step in range(start, start + 6) for pair in found.chosen(step)] for start in (0, 6)]
    assert all(sorted(epoch) == [(0, row) for row in range(24)] for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_a_batch_is_pictures_with_their_own_utterances(explorer: Explorer, data: Path, little: ModuleType) -> None:
    found = corpus(explorer, data, little)
    batch = found.batches(3)[0]
    assert batch.pictures.shape == (4, 32, 32, 3) and batch.speech.states is not None
    for row, (which, utterance) in enumerate(found.chosen(3)):
        split = found._splits[which]
        place = int(split.image_of[utterance])
        assert batch.image_ids[row] == place
        assert np.array_equal(batch.pictures[row], split.pictures[place].array)
        assert batch.speech.lengths[row] == sum(map(len, split.spoken[utterance].states))


@pytest.mark.parametrize(("processes", "micro", "sizes"), [
    (2, 0, [[2], [2]]), (3, 0, [[2], [1], [1]]), (1, 3, [[3, 1]]), (2, 1, [[1, 1], [1, 1]])])
def test_processes_share_a_batch_in_micro_batches(explorer: Explorer, data: Path, little: ModuleType, processes: int,
                                                  micro: int, sizes: list[list[int]]) -> None:
    found = corpus(explorer, data, little)
    parts = [found.batches(5, rank, processes, micro) for rank in range(processes)]
    assert [[len(batch.rows) for batch in part] for part in parts] == sizes
    assert [place for part in parts for batch in part for place in batch.image_ids.tolist()] == found.batches(5)[
        0].image_ids.tolist()


def test_words_that_only_teach_are_those_heard_without_noise(explorer: Explorer, data: Path, little: ModuleType
                                                             ) -> None:
    both = {variant: corpus(explorer, data, little, variant, noise="babble:-20") for variant in ("full", "e2e")}
    clean, _ = both["e2e"]._splits
    misheard = 0
    for step in range(both["e2e"].steps_per_epoch):
        chosen = both["e2e"].chosen(step)
        said = [clean.spoken[row].transcript for _, row in chosen]
        heard = [both["full"]._splits[which].spoken[row].transcript for which, row in chosen]
        for variant, words in (("e2e", said), ("full", heard)):
            batch, states = both[variant].batches(step)[0], [both[variant]._splits[which].spoken[row].states
                                                        for which, row in chosen]
            expected = both[variant]._model.collate(words, states)
            assert torch.equal(batch.speech.tokens, expected.tokens)
            assert torch.equal(batch.speech.states, expected.states)
        misheard += [each.text for each in said] != [each.text for each in heard]
    assert misheard > 0


def test_under_noise_there_are_as_many_pairs_again(explorer: Explorer, data: Path, little: ModuleType) -> None:
    found = corpus(explorer, data, little, noise="10,babble:0")
    assert len(found) == 72
    assert {which for which, _ in found.chosen(0) + found.chosen(1)} <= {0, 1, 2}
    assert conditions(" 10 , babble:0,") == (CLEAN, Condition("white", 10.0), Condition("babble", 0.0))
    with pytest.raises(DatasetError, match="is no condition"):
        conditions("10,loud")


def test_what_cannot_be_read_or_heard(explorer: Explorer, data: Path, little: ModuleType) -> None:
    """Unreadable ones are left out; those without words teach the voice, unless they are dropped or there is none."""
    (data / "0.png").write_bytes(b"no picture")  # two pairs
    (data / "1_0.wav").write_bytes(b"no recording")
    soundfile.write(data / "2_0.wav", little.tone(2, peak=little.QUIET / 2), 16000)
    assert [len(corpus(explorer, data, little, variant)) for variant in ("full", "e2e", "prompted")] == [21, 21, 20]
    dropped = corpus(explorer, data, little, drop_unheard=True)
    assert len(dropped) == 20 and dropped.unheard == 1
    batch = next(each for step in range(6) if not (each := corpus(explorer, data, little).batches(step)[0]
                                                   ).speech.has_text.all())
    assert batch.speech.has_text.sum() == 3  # it stands among the others, with its states
    assert (batch.speech.lengths > 0).all()


def test_fewer_pairs_than_a_batch_are_told(explorer: Explorer, data: Path, little: ModuleType) -> None:
    with pytest.raises(TrainingError, match="24 pairs to learn from, which is less than a batch of 32") as caught:
        corpus(explorer, data, little, batch=32)
    assert caught.value.kind == "too_few"
    for path in data.glob("*.wav"):
        if path.name != "0_0.wav":
            path.unlink()
    with pytest.raises(TrainingError, match=r"1 pairs to learn from \(23 pictures or recordings are missing"):
        corpus(explorer, data, little)


# --- the dev split ---------------------------------------------------------------------------------------------------

def test_dev_is_found_by_its_name(data: Path) -> None:
    dataset = datasets.load(data)
    assert with_dev(dataset, "train", "", 0) == (dataset, "dev")
    assert with_dev(dataset, "dev", "train", 0)[1] == "train"
    for train, dev, sentence in (("training", "", "has no split 'training'"), ("train", "test", "has no split 'test'"),
                                 ("train", "train", "which it learns from")):
        with pytest.raises(TrainingError, match=sentence) as caught:
            with_dev(dataset, train, dev, 0)
        assert caught.value.kind == "no_split"


def test_pictures_of_training_can_be_held_out_although_there_is_a_dev_split(data: Path) -> None:
    dataset, name = with_dev(datasets.load(data), "train", HELD_OUT, 0)
    assert name == HELD_OUT
    assert (len(dataset.of(HELD_OUT).images), len(dataset.of("train").images), len(dataset.of("dev").images)) == (
        1, 11, 4)


def test_where_there_is_no_dev_part_of_training_is_held_out_and_never_test(data: Path) -> None:
    text = (data / "pairs.csv").read_text()
    (data / "pairs.csv").write_text(text.replace(",dev", ",test"))
    dataset = datasets.load(data)
    held, name = with_dev(dataset, "train", "", 3)
    assert name == HELD_OUT
    assert [len(held.of(split).images) for split in ("train", HELD_OUT, "test")] == [11, 1, 4]
    one = held.of(HELD_OUT)
    assert {each.image_id for each in one.utterances} == {one.images[0].image_id} and len(one.utterances) == 2
    assert with_dev(dataset, "train", "", 3)[0] == held
    assert len({with_dev(dataset, "train", "", seed)[0].of(HELD_OUT).images[0].image_id for seed in range(8)}) > 2


def test_a_limit_keeps_the_same_pictures_of_dev_with_their_utterances(data: Path) -> None:
    dataset = datasets.load(data)
    limited, name = with_dev(dataset, "train", "", 0, 3)
    assert name == "dev" and limited == with_dev(dataset, "train", "", 5, 3)[0]
    part = limited.of("dev")
    assert len(part.images) == 3 and len(part.utterances) == 6
    assert {record.image_id for record in part.utterances} == {image.image_id for image in part.images}
    assert limited.of("train") == dataset.of("train")
    assert with_dev(dataset, "train", "", 0, 2)[0].of("dev").images in itertools.combinations(part.images, 2)
    assert with_dev(dataset, "train", "", 0, 4)[0] == with_dev(dataset, "train", "", 0, 99)[0] == dataset
    held = [with_dev(dataset, "train", HELD_OUT, 3, limit)[0] for limit in (0, 1)]
    assert held[0] == held[1]  # one of twelve was held out


def looking(explorer: Explorer, data: Path, choose: bool = False, precision: str = "float32") -> Validator:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre")
    splits = [preparing.prepare(datasets.load(data), "train", each) for each in conditions("0")]
    return Validator(splits, preparing.images, TrainingOptions(choose_weight=choose, precision=precision))


def model(explorer: Explorer, little: ModuleType, variant: str = "full", **options: object) -> BrewCLIP:
    torch.manual_seed(3)
    return BrewCLIP(explorer.eyes.built, variant, replace(little.MODEL, **options), little.WIDTH).train()


def test_dev_recall_is_the_mean_over_the_conditions(explorer: Explorer, data: Path, little: ModuleType) -> None:
    dev, ours = looking(explorer, data), model(explorer, little)
    result = dev.evaluate(ours)
    assert ours.training  # as it was
    ours.eval()
    seen = encode.encode_pictures(ours, dev._images, dev._splits[0])
    found = [ranks(encode.encode_utterances(ours, split).fused, seen, split.image_of) for split in dev._splits]
    assert result.speech_to_image == pytest.approx(
        [100 * np.mean([recall(each.speech_to_image, at) for each in found]) for at in (1, 5, 10)])
    assert result.score == pytest.approx(np.mean([*result.speech_to_image, *result.image_to_speech]))
    assert result.weight == 1.0
    assert result.to_json()["speech_to_image"].keys() == {"R@1", "R@5", "R@10"}


def test_dev_is_encoded_in_the_precision_of_training(explorer: Explorer, data: Path, little: ModuleType) -> None:
    ours = model(explorer, little)
    exact, half = (looking(explorer, data, precision=precision).embed(ours) for precision in ("float32", "bfloat16"))
    assert not np.array_equal(exact.pictures, half.pictures)
    assert np.allclose(exact.pictures, half.pictures, atol=0.05)
    assert np.isfinite(half.spoken[0].fused).all() and half.pictures.dtype == np.float32


@pytest.mark.parametrize("given", [0.0, 0.3, 1.0])
def test_the_weight_of_the_voice_that_is_chosen_is_the_best(explorer: Explorer, data: Path, little: ModuleType,
                                                            given: float) -> None:
    ours = model(explorer, little, acoustic_weight=given)
    chosen = looking(explorer, data, choose=True).evaluate(ours)
    assert ours.options.acoustic_weight == given  # whoever looks changes nothing
    scores = {}
    for weight in WEIGHTS:
        scores[weight] = looking(explorer, data).evaluate(ours.with_options(acoustic_weight=weight)).score
    assert chosen.score == pytest.approx(max(scores.values()), abs=1e-6)
    assert scores[chosen.weight] == pytest.approx(chosen.score, abs=1e-6)


def test_one_branch_has_no_weight_to_choose(explorer: Explorer, data: Path, little: ModuleType) -> None:
    for variant in ("prompted", "e2e"):
        assert looking(explorer, data, choose=True).evaluate(model(explorer, little, variant)).weight == 1.0


def test_a_look_can_be_stopped(explorer: Explorer, data: Path, little: ModuleType) -> None:
    def report(progress: Progress) -> None:
        raise JobCancelled

    ours = model(explorer, little, acoustic_weight=0.5)
    with pytest.raises(JobCancelled):
        looking(explorer, data, choose=True).evaluate(ours, report)
    assert ours.training and ours.options.acoustic_weight == 0.5
