"""The parts: protocols, figures, the linear probe, what pooling makes of a voice, the command."""

import json

import numpy as np
import pytest

from core import cli
from core.emotion import (
    classes,
    features,
    pooling,
    probe,
    protocols,
    scores,
)
from core.emotion import (
    finetune as tuning,
)
from core.emotion import (
    learned_probes as learned,
)
from core.emotion.layer_cache import VoiceLayers
from core.emotion.learned_probes import Restraint
from core.emotion.probe import LinearProbe
from core.emotion.results import Options


def test_the_tables_of_keys_agree():
    assert tuple(each.key for each in protocols.PROTOCOLS) == features.PROTOCOL_KEYS
    assert tuple(sorted(classes.CLASS_SETS)) == features.CLASS_COUNTS
    assert classes.FOUR.names == ("neutral", "happy", "sad", "angry") and len(classes.EIGHT.names) == 8


@pytest.mark.slow
def test_figures_are_scikit_learn_s():
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

    draw = np.random.default_rng(3)
    acted, heard = draw.integers(0, 4, 200).tolist(), draw.integers(0, 4, 200).tolist()
    found = scores.score(scores.confusion(acted, heard, 4))
    assert found.accuracy == pytest.approx(100 * accuracy_score(acted, heard), abs=0.01)
    assert found.uar == pytest.approx(100 * balanced_accuracy_score(acted, heard), abs=0.01)
    assert found.macro_f1 == pytest.approx(100 * f1_score(acted, heard, average="macro"), abs=0.01)
    assert scores.majority([0, 0, 1, 2]) == 50
    assert scores.spread([1.0, 3.0]) == pytest.approx(1.41) and scores.spread([1.0]) == 0


def test_the_probe_is_logistic_regression_in_fewer_directions():
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    points = (draw.normal(size=(60, 200)) + 2 * np.eye(3)[labels] @ draw.normal(size=(3, 200))).astype(np.float32)
    found = probe.fit(points, labels, 4, 1e-2)
    mean, scale = points.mean(axis=0), points.std(axis=0)
    wanted = LogisticRegression(C=1e-2, max_iter=2000, tol=1e-8).fit((points - mean) / scale, labels)
    assert found.predict_proba(points)[:, :3] == pytest.approx(wanted.predict_proba((points - mean) / scale), abs=2e-2)
    assert (found.predict_proba(points)[:, 3] == 0).all()  # a class that was never learned


def test_two_classes_are_told_too():
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 2], 15)
    points = (draw.normal(size=(30, 8)) + labels[:, None]).astype(np.float32)
    shares = probe.fit(points, labels, 3, 1.0).predict_proba(points)
    assert (shares.argmax(axis=1) == labels).mean() > 0.9 and shares[:, 1].max() == 0


@pytest.mark.slow
def test_choosing_prefers_what_tells_strangers_apart():
    draw = np.random.default_rng(1)
    labels, groups = np.tile([0, 1], 30), np.repeat(np.arange(6), 10).tolist()
    right = (draw.normal(size=(60, 5)) + 3 * labels[:, None]).astype(np.float32)
    by_speaker = (10 * np.eye(6)[groups] + draw.normal(size=(60, 6))).astype(np.float32)
    chosen = probe.choose({"speaker": by_speaker, "emotion": right}, labels, groups)
    assert chosen.view == "emotion" and chosen.accuracy > 0.9
    assert probe.choose({"first": right}, labels, [1] * 60).view == "first"  # nobody to hold out


def test_a_mixture_is_held_back_as_held_out_speakers_have_it(monkeypatch):
    labels, tried = np.tile([0, 1], 12), []

    class Told:
        def __init__(self, heard, restraint, seed, report):
            tried.append((len(heard.labels), restraint))
            self.right = restraint in (Restraint(3e-2), Restraint(3e-2, 10.0))

        def predict(self, others):
            return others.labels if self.right else 1 - others.labels

    monkeypatch.setattr(learned, "fit_mixture", Told)
    heard = learned.LayerFeatures([None] * 24, np.zeros((24, 2, 3), np.float32), labels, 2)
    speakers = np.repeat([1, 2, 3], 8).tolist()
    assert learned.choose_restraint(heard, speakers, attend=False) == Restraint(3e-2)
    assert learned.choose_restraint(heard, speakers, attend=True) == Restraint(3e-2, 10.0)
    assert {number for number, _ in tried} == {16}  # the third speaker is held out
    assert learned.choose_restraint(heard, [1] * 24, attend=True) == Restraint(1e-2, 30.0)  # nobody to hold out


def test_pauses_do_not_count_and_curves_skip_them():
    states = np.zeros((2, 40, 3), np.float16)
    states[:, :10] = 1
    share = np.zeros(40, np.float32)
    share[:10] = 1
    voice = VoiceLayers(states, share)
    assert pooling.means([voice], pauses=False) == pytest.approx(np.ones((1, 2, 3)))
    assert pooling.means([voice], pauses=True) == pytest.approx(np.full((1, 2, 3), 0.25))
    times, means = pooling.windows(voice, pauses=False)
    assert times.tolist() == pytest.approx([0.5, 0.7, 0.9, 1.1, 1.3]) and means == pytest.approx(np.ones((5, 2, 3)))
    short, _ = pooling.windows(VoiceLayers(states[:, :4], share[:4]), pauses=False)
    assert short.tolist() == pytest.approx([0.2])


def test_a_stretch_of_a_voice_has_voice_in_it():
    draw = np.random.default_rng(0)
    share = np.zeros(40, np.float32)
    share[:5] = 1
    voice = VoiceLayers(np.arange(40, dtype=np.float16)[None, :, None].repeat(2, 0), share)
    assert tuning.shortened(voice, 0, draw) is voice
    found = [tuning.shortened(voice, 0.4, draw) for _ in range(50)]
    assert len({len(one.share) for one in found}) > 3 and min(len(one.share) for one in found) >= 24
    for one in found:
        assert one.share.sum() >= tuning.LEAST and one.states.shape[1] == len(one.share)
        assert np.array_equal(share[one.states[0, :, 0].astype(int)], one.share)


def test_options_come_back(tmp_path):
    options = Options(tmp_path, "folds", "fine-tuned", 8, ("layers",), tmp_path / "run", True, 2)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert Options.from_json(Options(tmp_path).to_json()) == Options(tmp_path)


def test_probabilities_of_far_vectors_stay_numbers():
    found = LinearProbe(np.array([[1000.0], [-1000.0]], np.float32), np.array([0, -np.inf], np.float32))
    assert found.predict_proba(np.array([[50.0], [-50.0]], np.float32)).tolist() == [[1, 0], [1, 0]]


@pytest.mark.slow
def test_the_command_prints_json_and_keeps_the_run(home, explorer, small_ravdess, monkeypatch, capsys, tmp_path):
    from contextlib import contextmanager

    from core.cli import emotion
    from core.emotion.run_store import Runs

    @contextmanager
    def opened(changes=None):
        yield explorer

    monkeypatch.setattr(emotion, "explorer", opened)
    command = ["emotion", str(small_ravdess), "--feature", "layer-1", "--table", str(tmp_path / "t.md")]
    assert cli.main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"protocol", "mode", "classes", "train_files", "test_files", "majority", "results"} <= set(told)
    assert {"feature", "accuracy", "uar", "macro_f1", "confusion"} <= set(told["results"][0])
    assert (tmp_path / "t.md").is_file() and len(Runs(home).all()) == 1
    assert cli.main([*command, "--no-keep", "--protocol", "random", "--seeds", "1"]) == 0
    text = capsys.readouterr().out
    assert "rows: true, columns: predicted" in text and "Leaking: the same speakers" in text
    assert len(Runs(home).all()) == 1
    assert cli.main(["emotion", str(tmp_path)]) == 2
