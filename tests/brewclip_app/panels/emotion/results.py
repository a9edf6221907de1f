"""Made-up results of probing experiments."""

import numpy as np
import soundfile

from core.audio import RATE
from core.emotion import scores
from core.emotion.features import feature
from core.emotion.results import Acting, Answers, FeatureScore, FoldScore, Options, Result
from core.emotion.scores import Leak

CLASSES = ("neutral", "happy", "sad", "angry")
KEYS = ("layers", "fused", "acoustic", "text", *(f"layer-{number}" for number in range(7)))


def make_result(folder, keys=KEYS, number=40, seed=0, **options):
    """A result whose features hear three in four rightly."""
    draw = np.random.default_rng(seed)
    labels = np.arange(number) % 4
    recordings = []
    for place, label in enumerate(labels):
        path = folder / "Actor_19" / f"03-01-{label + 1:02d}-01-01-01-{place % 24 + 1:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            soundfile.write(path, 0.3 * np.sin(np.arange(2 * RATE) * (0.05 + 0.01 * label)), RATE)
        recordings.append(Acting(path, 19 + place % 2, "female", CLASSES[label], "normal",
                                 "Kids are talking by the door", int(label)))
    found, answers = [], {}
    for key in keys:
        heard = np.where(draw.random((1, number)) < 0.75, labels, draw.integers(0, 4, (1, number)))
        shares = draw.dirichlet(np.ones(4), number).astype(np.float32)
        shares[np.arange(number), heard[0]] += 1
        shares /= shares.sum(axis=1, keepdims=True)
        counts = scores.confusion(labels.tolist(), heard[0].tolist(), 4)
        score = scores.score(counts)
        times = np.arange(6, dtype=np.float32) * 0.2 + 0.5
        curves = tuple((times, draw.dirichlet(np.ones(4), 6).astype(np.float32)) for _ in range(number))
        found.append(FeatureScore(key, feature(key).title, score, (0.0, 0.0), tuple(map(tuple, counts.tolist())), 1,
                                  (FoldScore("actors 19 to 24", 0, 80, number, score, "layer 3"),),
                                  {"speaker": Leak(80.0, 16.7, 16.7), "sex": Leak(97.0, 50.0, 50.0)}))
        answers[key] = Answers(heard, shares, curves, {"weights": np.ones((4, 3)), "bias": np.zeros(4)})
    return Result(Options(folder, **options), CLASSES, 80, number, 25.0, 25.0, "", "untrained, over brewclip-mini",
                  ("8 of RAVDESS' 24 actors are here.",), (1, 2, 3), tuple(found), tuple(recordings), answers)
