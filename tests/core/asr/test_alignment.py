import numpy as np
import pytest
import torch

from core.asr.alignment import align, warp, words_of


def slow_warp(cost: np.ndarray) -> list[int]:
    """The textbook's two loops."""
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            total[i, j] = cost[i - 1, j - 1] + min(total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
    i, j, first = rows, columns, [0] * rows
    while i and j:
        first[i - 1] = j - 1
        both, down, right = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        i, j = (i - 1, j - 1) if both < min(down, right) else (i - 1, j) if down < min(both, right) else (i, j - 1)
    return first


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 40), (30, 30), (12, 5)])
def test_warp_equals_the_textbook(shape: tuple[int, int]) -> None:
    cost = np.random.default_rng(1).standard_normal(shape)
    assert warp(cost).tolist() == slow_warp(cost)


@pytest.mark.slow
def test_warp_equals_openai_whisper() -> None:
    from whisper.timing import dtw

    cost = np.random.default_rng(2).standard_normal((15, 120))
    rows, columns = dtw(torch.from_numpy(cost))
    assert warp(cost).tolist() == [int(columns[rows == row].min()) for row in range(15)]


def test_align_follows_the_attention() -> None:
    scores = np.zeros((4, 2, 400), np.float32)
    for token, frame in enumerate((10, 60, 110, 160)):
        scores[token, :, frame : frame + 40] = 8.0
    starts = align(scores, frames=200)
    assert np.allclose(starts[1:], [1.1, 2.1, 3.1], atol=0.2)


def test_align_of_very_short_sound() -> None:
    assert np.isfinite(align(np.random.default_rng(0).standard_normal((3, 2, 50), np.float32), frames=2)).all()


def test_punctuation_and_parts_join_their_word() -> None:
    pieces = [' "', "Two", " dogs", ",", " I", "-beam", " (", "run", ")."]
    starts = np.arange(10) / 2
    words = words_of(pieces, [1] * 9, starts, [-0.1] * 9)
    assert [word[0] for word in words] == ['"Two', "dogs,", "I-beam", "(run)."]
    assert [word[1:3] for word in words] == [(0.5, 1.0), (1.0, 1.5), (2.0, 3.0), (3.5, 4.0)]
    assert words[0][3] == pytest.approx(np.exp(-0.1))


def test_words_without_spaces_stay_apart() -> None:
    words = words_of(["犬", "が", "。"], [1, 2, 1], np.arange(5) / 5, [-0.1] * 4, spaced=False)
    assert [word[0] for word in words] == ["犬", "が。"]


def test_a_word_does_not_swallow_the_pause_before_it() -> None:
    (_, start, end, _), = words_of([" dog"], [1], np.array([0.0, 7.0]), [0.0])
    assert (start, end) == (5.0, 7.0)
