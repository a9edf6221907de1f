"""The authors' probe against a small re-implementation, and its experiment from end to end."""

import json

import numpy as np
import pytest

from core import audio
from core.audio import RATE
from core.cli import main
from core.emotion import authors_probe, experiment, results
from core.emotion.authors_probe import BATCH, CLIP, WEIGHT_DECAY, fit_authors, rate_at
from core.emotion.features import AS_AUTHORS
from core.emotion.results import Options
from core.emotion.run_store import Runs
from core.progress import WorkStep, silent


def softmax(logits):
    """Along the last axis."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def by_hand(weights, bias, batches, steps):
    """Adam in float64 with L2, clipping and the schedule, on (points, targets) of each step."""
    parameters = [weights.astype(np.float64), bias.astype(np.float64)]
    first, second = ([np.zeros_like(each) for each in parameters] for _ in range(2))
    for step, (points, targets) in enumerate(batches):
        error = softmax(points @ parameters[0].T + parameters[1])
        error[np.arange(len(targets)), targets] -= 1
        gradients = [error.T @ points / len(targets), error.mean(axis=0)]
        norm = np.sqrt(sum(float((each ** 2).sum()) for each in gradients))
        gradients = [each * min(1.0, CLIP / (norm + 1e-6)) for each in gradients]
        rate = 1e-4 * ((step + 1) / (steps * 0.05) if step < steps * 0.05 else
                       1 - (1 - 1e-4) * (step + 1 - steps * 0.05) / (steps * 0.95))
        for place, gradient in enumerate(gradients):
            gradient = gradient + WEIGHT_DECAY * parameters[place]
            first[place] = 0.9 * first[place] + 0.1 * gradient
            second[place] = 0.999 * second[place] + 0.001 * gradient ** 2
            scaled = np.sqrt(second[place] / (1 - 0.999 ** (step + 1))) + 1e-8
            parameters[place] = parameters[place] - rate * first[place] / (1 - 0.9 ** (step + 1)) / scaled
    return parameters


def test_the_steps_are_those_of_a_re_implementation():
    draw = np.random.default_rng(1)
    quarters = [60 * draw.normal(size=(draws, 70, 12)).astype(np.float32) for draws in (1, 3, 1, 1)]  # to be clipped
    labels = draw.integers(0, 4, 70)
    nothing = np.zeros((0, 12), np.float32), np.zeros(0, np.int64)
    steps = 40
    start = fit_authors(quarters, labels, 4, 7, 0, nothing, silent).probe
    found = fit_authors(quarters, labels, 4, 7, steps, nothing, silent)

    random, batches = np.random.default_rng(7), []
    while len(batches) < steps:
        order = random.permutation(70)
        for first in range(0, 70 - BATCH + 1, BATCH):
            rows = order[first:first + BATCH]
            chosen = random.integers(4, size=BATCH)
            places = random.integers([len(quarters[quarter]) for quarter in chosen])
            batches.append((np.stack([quarters[quarter][place, row]
                                      for quarter, place, row in zip(chosen, places, rows, strict=True)]),
                            labels[rows]))
    weights, bias = by_hand(start.weights, start.bias, batches[:steps], steps)
    assert found.probe.weights == pytest.approx(weights, abs=1e-5)
    assert found.probe.bias == pytest.approx(bias, abs=1e-5)
    assert np.abs(found.probe.weights - start.weights).max() > 1e-3, "nothing was learned"


def test_the_schedule_has_five_thousand_steps_of_warm_up():
    assert rate_at(0, 100_000) == pytest.approx(1e-4 / 5000)
    assert rate_at(4999, 100_000) == pytest.approx(1e-4) and rate_at(99_999, 100_000) == pytest.approx(1e-8)


def test_the_step_is_chosen_on_the_validation_and_the_last_is_told():
    draw = np.random.default_rng(2)
    labels = np.repeat([0, 1], 40)
    points = (np.eye(2, 6)[labels] * 8 + draw.normal(size=(80, 6))).astype(np.float32)
    contrary = points, 1 - labels  # the first epochs are the best ones on these
    found = fit_authors([points[None]], labels, 2, 0, 20_000, contrary, silent)
    assert found.best > found.last and found.step < 20_000
    predicted = found.probe.predict_proba(points).argmax(axis=1)
    assert 100 * float((predicted == 1 - labels).mean()) == pytest.approx(found.best)


def test_augmentations_are_those_of_the_authors():
    tone = audio.from_samples((0.5 * np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE)).astype(np.float32), RATE)

    def pitch(waveform):
        spectrum = np.abs(np.fft.rfft(waveform.samples[2000:14000], 1 << 18))
        return spectrum.argmax() * RATE / (1 << 18)

    slower, higher, noisy = authors_probe.slower(tone), authors_probe.higher(tone), authors_probe.noisy(tone, 0)
    assert len(slower.samples) == pytest.approx(RATE / 0.8, rel=0.03) and pitch(slower) == pytest.approx(400, abs=3)
    assert len(higher.samples) == pytest.approx(RATE, rel=0.03)
    assert pitch(higher) == pytest.approx(400 * 2 ** (0.7 / 12), abs=3)
    hiss = noisy.samples - tone.samples
    assert 0 < hiss.std() < 0.035 * 0.5 * 1.05
    assert not np.array_equal(hiss, authors_probe.noisy(tone, 1).samples - tone.samples)
    assert np.array_equal(noisy.samples, authors_probe.noisy(tone, 0).samples)


@pytest.mark.slow
def test_an_experiment_as_the_authors_says_what_it_was_chosen_on(listener, small_ravdess, monkeypatch):
    options = Options(small_ravdess, features=AS_AUTHORS, seeds=1, steps=400)
    reports = []
    result = experiment.run(listener.workspace, options, reports.append)
    first = [report.share for report in reports if report.step is WorkStep.PROBING and report.done == 0]
    assert len(set(first)) >= 6 and first == sorted(first), "the bar moves with each change that is encoded"
    assert any("Embedding the voices" in report.subject for report in reports)
    by_key = {score.feature: score for score in result.scores}
    assert set(by_key) == set(AS_AUTHORS)
    notes = [note for note in result.notes if "chosen on the test actors" in note]
    assert len(notes) == 2 and notes[0].startswith("Both, as the authors' code: ") and "at the last" in notes[0]
    assert by_key["authors-text"].score.accuracy == 40.0, "two sentences, the same in all emotions"
    assert by_key["authors"].leaks["speaker"].accuracy > 0
    kept = Runs(listener.home).keep(result)
    assert Runs(listener.home).read(kept.name).result.options.steps == 400
    assert json.dumps(results.to_json(result))

    heard = listener.ears.heard
    monkeypatch.setattr(authors_probe, "NOISE", 1.0)
    again = experiment.run(listener.workspace, options)
    assert listener.ears.heard == heard, "vectors under every change are kept"
    assert again.scores[0].confusion == result.scores[0].confusion


def test_the_command_line_takes_the_authors_features(monkeypatch, small_ravdess, home):
    asked = []
    monkeypatch.setattr(experiment, "run", lambda workspace, options, report: asked.append(options) or 1 / 0)
    assert main(["emotion", str(small_ravdess), "--as", "authors", "--steps", "50"]) == 2
    assert (asked[0].features, asked[0].steps, asked[0].protocol, asked[0].classes) == (AS_AUTHORS, 50, "paper", 4)
