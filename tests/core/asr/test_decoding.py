import numpy as np
import pytest
import torch

from core.asr.decoding import Decoded, period_of, without_loop
from core.asr.torch_runtime import exact_linear, int8_linear

SENTENCE = [11, 12, 13, 14, 15, 16, 17]


@pytest.mark.parametrize(("tokens", "period"), [
    ([], 0), ([1, 2, 3], 0), (SENTENCE, 0), (SENTENCE * 2, 7), ([1, *SENTENCE * 2], 7), ([5] * 4, 0), ([5] * 5, 1),
    ([5, 6] * 4, 0), ([5, 6] * 5, 2), ([*SENTENCE * 2, 1], 0)])
def test_period_of_what_is_said_over_and_over(tokens: list[int], period: int) -> None:
    assert period_of(tokens) == period


def test_without_loop_says_it_once() -> None:
    tokens = [1, 2, *SENTENCE * 3]
    decoded = Decoded(tokens, [-0.1] * len(tokens), np.zeros((len(tokens), 8, 5), np.float32))
    once = without_loop(decoded)
    assert once.tokens == [1, 2, *SENTENCE]
    assert len(once.logprobs) == 9 and once.attention is not None and len(once.attention) == 9
    plain = Decoded([1, 2, 3], [-0.1] * 4, None, finished=True)
    assert without_loop(plain) is plain


def test_keep_takes_the_end_along() -> None:
    attention = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    decoded = Decoded([7, 50_000, 8], [-1.0, -2.0, -3.0, -4.0], attention, finished=True)
    kept = decoded.keep([0, 2])
    assert (kept.tokens, kept.logprobs) == ([7, 8], [-1.0, -3.0, -4.0])
    assert kept.attention is not None and kept.attention.flatten().tolist() == [0, 2, 3]


def test_avg_logprob_counts_the_end() -> None:
    assert Decoded([1, 2, 3], [-1.0, -1.0, -1.0, -1.0], finished=True).avg_logprob == pytest.approx(-1.0)


def test_int8_is_close_to_float32() -> None:
    torch.manual_seed(0)
    weight, bias, x = torch.randn(96, 64), torch.randn(96), torch.randn(5, 64)
    exact = exact_linear(torch.float32)(weight, bias)(x)
    assert (int8_linear(weight, bias)(x) - exact).abs().max() < 0.02 * exact.abs().max()


def test_int8_rows_do_not_depend_on_their_neighbours() -> None:
    torch.manual_seed(0)
    linear, x = int8_linear(torch.randn(96, 64), torch.randn(96)), torch.randn(5, 64)
    together = linear(x * torch.tensor([[1.0], [50.0], [0.1], [1.0], [1.0]]))
    torch.testing.assert_close(linear(x[:1]), together[:1], rtol=1e-5, atol=1e-5)  # other kernels for other shapes
    assert linear(x[None, :1]).shape == (1, 1, 96)
