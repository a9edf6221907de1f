"""Too little to learn from, through the command: one sentence says what is wrong, or what is left out."""

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from core import cli
from core.asr.transcript import Transcript
from core.cli import emotion
from core.emotion import finetune as tuning
from core.emotion import learned_probes as learned
from core.emotion import probe
from core.emotion.features import AUTHORS, FEATURES

pytestmark = pytest.mark.slow

KEYS = ("layers", "weighted", "fused", "text-reference", "paper")


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """Fewer things to choose among, fewer steps: the figures do not matter here."""
    monkeypatch.setattr(probe, "STRENGTHS", (1e-2,))
    monkeypatch.setattr(learned, "STRENGTHS", (1e-2,))
    monkeypatch.setattr(learned, "COSTS", (30.0,))
    monkeypatch.setattr(learned, "STEPS", 2)
    monkeypatch.setattr(learned, "PAPER_EPOCHS", 2)
    monkeypatch.setattr(tuning, "RECIPES", {key: tuning.FineTuneRecipe(epochs=1) for key in tuning.TUNED})


@pytest.fixture
def run(explorer, monkeypatch, capsys):
    """Runs `brewclip emotion`: exit code, the result of --json or None, and the last line of stderr."""
    @contextmanager
    def opened(changes=None):
        yield explorer

    monkeypatch.setattr(emotion, "explorer", opened)

    def command(folder, *options, features=()):
        chosen = [part for key in features for part in ("--feature", key)]
        quick = ("--json", "--no-keep", "--seeds", "1", "--steps", "2")
        code = cli.main(["emotion", str(folder), *quick, *chosen, *options])
        out, err = capsys.readouterr()
        assert "should not happen" not in err
        return code, json.loads(out) if out else None, err.rstrip().rpartition("\n")[2]

    return command


@pytest.fixture
def some(take, tmp_path):
    """Writes recordings: of each actor those emotions, in those sentences, so many times."""
    def write(of, statements=(1, 2), repetitions=(1, 2)):
        for actor, emotions in of.items():
            for code in emotions:
                for statement in statements:
                    for repetition in repetitions:
                        take(tmp_path / "acted", code, statement, repetition, actor)
        return tmp_path / "acted"

    return write


EVERY = {1: (1, 3, 5), 2: (1, 3, 5), 19: (1, 3, 5), 20: (1, 3, 5)}


def say(explorer, monkeypatch, text):
    """Have the same words heard in every recording."""
    hear = explorer.ears.transcribe
    monkeypatch.setattr(explorer.ears, "transcribe", lambda *args, **more: [
        replace(one, transcript=Transcript(text, "en", (), -0.2, 0.01, 1.0)) for one in hear(*args, **more)])


@pytest.mark.parametrize("text", ["", "Kids are talking by the door"])
def test_words_that_are_the_same_everywhere_are_left_out(run, some, explorer, monkeypatch, text):
    say(explorer, monkeypatch, text)
    code, found, _ = run(some(EVERY), features=("text", "paper-text", "acoustic", "text-reference"))
    assert code == 0
    assert [one["feature"] for one in found["results"]] == ["acoustic", "text-reference"]
    left = [note for note in found["notes"] if "is left out" in note]
    assert len(left) == 2 and "48 recordings are the same in it" in left[0] and "another feature" in left[0]


@pytest.mark.parametrize("key", ["text", "paper-text"])
def test_a_feature_alone_in_which_all_are_alike_is_refused(run, some, explorer, monkeypatch, key):
    say(explorer, monkeypatch, "")
    code, found, err = run(some(EVERY), features=(key,))
    assert (code, found) == (2, None)
    assert err.startswith("brewclip: ") and "the same in it" in err and "another feature" in err


@pytest.mark.parametrize("key", [each.key for each in FEATURES if each.key not in ("layer-4", "layer-5", "layer-6")])
def test_identical_recordings_are_refused(run, some, explorer, monkeypatch, key):
    folder = some(EVERY)
    first, *others = sorted(folder.rglob("*.wav"))
    for path in others:
        path.write_bytes(first.read_bytes())
    code, _, err = run(folder, features=(key,))
    if key in ("text-reference", *AUTHORS):  # what was to be said still differs
        assert code == 0
    else:
        assert code == 2 and "48 recordings are the same in it" in err


@pytest.mark.parametrize("mode", ["linear", "fine-tuned"])
def test_one_recording_of_each_speaker_cannot_be_standardised_by_speaker(run, some, mode):
    folder = some({1: (1,), 2: (3,), 3: (5,), 19: (1,), 20: (3,)}, (1,), (1,))
    code, _, err = run(folder, "--speaker-statistics", "--mode", mode, features=("layers",))
    assert code == 2 and "do not standardise by speaker" in err
    assert run(folder, "--mode", mode, features=("layers",))[0] == 0


def test_sentences_held_out_tell_nothing_by_the_caption(run, some):
    """Learned from one sentence, its caption is always the same: every guess is the most frequent class."""
    code, found, _ = run(some({1: (1, 3, 3), 19: (1, 3, 5)}), "--protocol", "statement",
                         features=("text-reference", "layers"))
    assert code == 0
    of_caption, of_layers = (one["accuracy"] for one in found["results"])
    assert of_caption == pytest.approx(found["majority"]) and of_layers > of_caption


@pytest.mark.parametrize("protocol", ["paper", "folds", "speakers", "statement", "random"])
@pytest.mark.parametrize(("of", "statements", "repetitions"), [
    ({1: (1, 3, 5), 19: (1, 3, 5)}, (1, 2), (1,)),
    ({1: (1, 3), 2: (3,), 19: (5, 1), 20: (3,)}, (1, 2), (1, 2)),  # sad is tested, never learned, or the reverse
    ({1: (1,), 2: (1,), 19: (3,), 20: (3, 1)}, (2,), (1,)),  # one emotion to learn from
    ({7: (1, 3, 5)}, (1, 2), (1, 2)),  # one actor
    ({7: (1, 3)}, (2,), (1, 2)),
    ({1: (1,), 19: (3,)}, (1,), (1,)),
])
def test_few_recordings_are_probed_or_refused_in_a_sentence(run, some, protocol, of, statements, repetitions):
    code, found, err = run(some(of, statements, repetitions), "--protocol", protocol, features=KEYS)
    if code == 0:
        kept = [one["feature"] for one in found["results"]]
        left = [note for note in found["notes"] if "is left out" in note]
        assert len(kept) + len(left) == len(KEYS)
        for one in found["results"]:
            counts = np.array(one["confusion"])
            assert counts.sum() == found["test_files"] * one["seeds"] and 0 <= one["accuracy"] <= 100
    else:
        assert code == 2 and found is None
        assert err.startswith("brewclip: ") and "Choose another protocol" in err


@pytest.mark.parametrize("protocol", ["paper", "statement", "random"])
def test_few_recordings_are_fine_tuned_or_refused_in_a_sentence(run, some, protocol):
    folder = some({1: (1, 3), 19: (1, 5)}, repetitions=(1,))
    code, found, err = run(folder, "--protocol", protocol, "--mode", "fine-tuned", features=("layers", "fused", "text"))
    assert (code == 0 and len(found["results"]) == 3) or "Choose another protocol" in err


def test_one_emotion_to_learn_from_is_said(run, some):
    code, _, err = run(some({1: (1,), 19: (3,), 20: (1, 3)}), features=("layers",))
    assert code == 2 and "actors 1 to 18 have one emotion alone" in err


def test_a_speaker_of_one_sentence_alone_does_not_end_the_probe(run, take, tmp_path):
    """Who speaks is learned from one sentence, in which there may be one speaker alone."""
    for actor, statement in ((1, 1), (19, 1), (19, 2)):
        for code in (1, 3):
            take(tmp_path / "acted", code, statement, 1, actor)
    code, found, _ = run(tmp_path / "acted", features=("layers",))
    assert code == 0 and found["results"][0]["leaks"]["speaker"]["accuracy"] <= 100
