"""Greedy decoding in batches and beam search, over a decoder of any runtime."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

LONGEST = 224  # tokens of a window, half of Whisper's context, as in openai-whisper


class Cache(Protocol):
    """Keys and values of a batch, as a decoder keeps them."""

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the rows that are not among `rows`."""

    def reorder(self, rows: Sequence[int]) -> None:
        """Take the tokens read from `rows`, one for each row; all rows are of one window."""

    def truncate(self, length: int) -> None:
        """Forget the tokens read after the first `length`."""

    @property
    def length(self) -> int:
        """Number of tokens read."""


class Decoder(Protocol):
    """Whisper's decoder with its cache. `tokens` (rows, n) follow those that the cache has read. Not thread-safe."""

    def begin(self, states: NDArray[Any]) -> Any:
        """The `Cache` for encoder states (rows, frames, width): every layer's cross keys and values."""

    def logits(self, tokens: NDArray[np.int64], cache: Any) -> NDArray[np.float32]:
        """(rows, vocabulary) after the tokens."""

    def best(self, tokens: NDArray[np.int64], cache: Any, forbidden: NDArray[np.float32],
             watch: bool) -> tuple[list[int], list[float], NDArray[np.float32] | None]:
        """The best next token of each row and its log probability; `forbidden` (vocabulary,) is 0 or -inf.

        With `watch` also the watched heads' scores for the last token (rows, heads, frames), before softmax, scaled.
        """


    def best_of_each(self, tokens: NDArray[np.int64], cache: Any, forbidden: NDArray[np.float32]
                     ) -> tuple[list[int], list[float]]:
        """The best next token after each of `tokens` (1, n) of one row, and its log probability."""


@dataclass
class Decoded:
    """Result of decoding for one window. `attention`: (tokens + 1, heads, frames) raw scores, or None."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    attention: NDArray[np.float32] | None = None
    finished: bool = False  # the end was decoded; else the limit was reached or a loop was cut off

    @property
    def avg_logprob(self) -> float:
        """Mean log probability of the tokens and the end, as openai-whisper has it."""
        return sum(self.logprobs) / (len(self.tokens) + 1)

    def keep(self, places: Sequence[int]) -> "Decoded":
        """These tokens alone, with what belongs to them."""
        rows = [*places, *([len(self.tokens)] if self.finished else [])]
        attention = None if self.attention is None else self.attention[rows]
        return Decoded([self.tokens[i] for i in places], [self.logprobs[i] for i in rows], attention, self.finished)


@dataclass(frozen=True)
class Rules:
    """The end token, and the tokens that a transcript may not hold: (vocabulary,) arrays of 0 and -inf."""

    end: int
    forbidden: NDArray[np.float32]
    forbidden_first: NDArray[np.float32]  # the same, and what a transcript cannot begin with
    stop_at_loops: bool = False


def greedy(decoder: Decoder, cache: Any, prompts: NDArray[np.int64], rules: Rules, limits: Sequence[int],
           watch: bool) -> list[Decoded]:
    """Decode every row of the cache to its end, after reading `prompts` (rows, tokens). The cache is used up.

    `limits` (rows,): tokens after which a row is given up. `watch`: keep the attention that word times need.
    """
    results = [Decoded() for _ in range(len(prompts))]
    seen: list[list[NDArray[np.float32]]] = [[] for _ in results]
    alive = list(range(len(results)))  # which result each row of the cache belongs to
    tokens, forbidden = prompts, rules.forbidden_first
    while alive:
        best, logprobs, scores = decoder.best(tokens, cache, forbidden, watch)
        if scores is not None:
            for row, index in enumerate(alive):
                seen[index].append(scores[row])
        going = _extend([results[index] for index in alive], best, logprobs, rules, [limits[index] for index in alive])
        if len(going) < len(alive):
            cache.keep(going)
            alive = [alive[row] for row in going]
        tokens, forbidden = np.array([[best[row]] for row in going]), rules.forbidden
    for result, rows_seen in zip(results, seen, strict=True):
        result.attention = np.stack(rows_seen) if rows_seen else None
    return results


def greedy_after(guess: Sequence[int], decoder: Decoder, cache: Cache, prompt: NDArray[np.int64], rules: Rules,
                 limit: int) -> Decoded:
    """The result of `greedy` for one row, sooner where the transcript begins as `guess`, which is read in one pass.

    Of the guess the tokens are kept that greedy decoding gives too. `prompt` (tokens,); `limit` of tokens.
    """
    best, logprobs, _ = decoder.best(prompt[None], cache, rules.forbidden_first, watch=False)
    if guess and guess[0] == best[0]:
        start = cache.length
        following, likely = decoder.best_of_each(np.array([guess]), cache, rules.forbidden)
        agreed = next((place for place in range(1, len(guess)) if guess[place] != following[place - 1]), len(guess))
        best, logprobs = best + following[:agreed], logprobs + likely[:agreed]
        cache.truncate(start + agreed)
    decoded = Decoded()
    for token, logprob in zip(best, logprobs, strict=True):
        if not _extend([decoded], [token], [logprob], rules, [limit]):
            return decoded
    while True:
        best, logprobs, _ = decoder.best(np.array([best[-1:]]), cache, rules.forbidden, watch=False)
        if not _extend([decoded], best, logprobs, rules, [limit]):
            return decoded


@dataclass(frozen=True)
class _Hypothesis:
    """A beginning of a transcript with the log probabilities of its tokens; `total` is their sum in float32."""

    tokens: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    total: float = 0.0


def beam_search(decoder: Decoder, cache: Any, prompt: NDArray[np.int64], rules: Rules, limit: int, size: int
                ) -> Decoded:
    """The likeliest transcript of one window among `size` hypotheses, as openai-whisper searches with patience 1.

    The cache has one row and is used up; `prompt` (tokens,). Hypotheses are compared by their mean log probability a
    token. No attention is kept; see `attention_to`.
    """
    beams, finished = [_Hypothesis()], dict[tuple[int, ...], _Hypothesis]()
    tokens, forbidden = prompt[None], rules.forbidden_first
    for _ in range(limit):
        logprobs = _log_softmax(decoder.logits(tokens, cache) + forbidden)
        candidates: dict[tuple[int, ...], tuple[_Hypothesis, int]] = {}
        for row, (beam, values) in enumerate(zip(beams, logprobs, strict=True)):
            for token in np.argsort(-values, kind="stable")[:size + 1].tolist():
                longer = _Hypothesis((*beam.tokens, token), (*beam.logprobs, float(values[token])),
                                     float(np.float32(beam.total) + values[token]))
                candidates[longer.tokens] = longer, row
        beams, rows, ended = [], [], []
        for hypothesis, row in sorted(candidates.values(), key=lambda each: -each[0].total):
            if hypothesis.tokens[-1] == rules.end:
                ended.append(hypothesis)
                continue
            beams.append(hypothesis)
            rows.append(row)
            if len(beams) == size:
                break
        finished |= {each.tokens: each for each in ended[:max(0, size - len(finished))]}
        if len(finished) >= size:
            break
        cache.reorder(rows)
        tokens, forbidden = np.array([[beam.tokens[-1]] for beam in beams]), rules.forbidden
    choices = [*finished.values(), *sorted(beams, key=lambda each: -each.total)][:max(size, len(finished))]
    best = max(choices, key=lambda each: each.total / max(1, len(each.tokens) - (each.tokens[-1] == rules.end)))
    ends = best.tokens[-1] == rules.end
    return Decoded(list(best.tokens[:-1] if ends else best.tokens), list(best.logprobs), None, ends)


def attention_to(tokens: Sequence[int], decoder: Decoder, cache: Any, prompt: NDArray[np.int64], rules: Rules
                 ) -> NDArray[np.float32]:
    """(tokens + 1, heads, frames) raw attention scores while the decoder reads a transcript."""
    scores = []
    for read in (prompt[None], *(np.array([[token]]) for token in tokens)):
        _, _, seen = decoder.best(read, cache, rules.forbidden, watch=True)
        assert seen is not None
        scores.append(seen[0])
    return np.stack(scores)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log softmax along the last axis, -inf where a logit is."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logprobs


def _extend(results: Sequence[Decoded], tokens: Sequence[int], logprobs: Sequence[float], rules: Rules,
            limits: Sequence[int]) -> list[int]:
    """Put a token on each result; the rows that go on."""
    going = []
    for row, (result, token, logprob, limit) in enumerate(zip(results, tokens, logprobs, limits, strict=True)):
        result.logprobs.append(logprob)
        if token == rules.end:
            result.finished = True
            continue
        result.tokens.append(token)
        if len(result.tokens) < limit and not (rules.stop_at_loops and period_of(result.tokens)):
            going.append(row)
    return going


def period_of(tokens: Sequence[int]) -> int:
    """Period of a repetition at the end of `tokens`, in tokens; 0 where there is none.

    A phrase of 1 to 5 tokens must come 5 times, so that "no, no, no" passes; one of 6 to 60 must come twice.
    """
    for period in range(1, min(60, len(tokens) // 2) + 1):
        times = 5 if period < 6 else 2
        tail = tokens[-times * period :]
        if len(tail) == times * period and tail[period:] == tail[:-period]:
            return period
    return 0


def without_loop(decoded: Decoded) -> Decoded:
    """The same with a repetition at its end reduced to one."""
    tokens = decoded.tokens
    period = period_of(tokens)
    while period and len(tokens) >= 2 * period and tokens[-period:] == tokens[-2 * period : -period]:
        tokens = tokens[:-period]
    return decoded.keep(range(len(tokens))) if period else decoded
