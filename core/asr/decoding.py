"""Whisper's decoder, greedy, in batches, with its key-value cache laid out once.

openai-whisper's own loop grows its cache by concatenation through hooks and reads 200 MB of float32 weights for every
token, which is most of what a short query costs on a CPU. Here the weights may be int8 (a scale for each row), and the
choice among the best `RESCORED` tokens is made again in float32. `exact=True` computes as openai-whisper does.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional
from whisper.model import ResidualAttentionBlock, Whisper

Linear = Callable[[Tensor], Tensor]

RESCORED = 32  # tokens whose int8 logits are computed again in float32
LONGEST = 224  # tokens of a window, half of Whisper's context, as in openai-whisper
CAPACITY = LONGEST + 4  # and the prompt


@dataclass(frozen=True)
class Layer:
    """One decoder block. `query_key_value` and `cross_key_value` are stacked, as they read the same input."""

    block: ResidualAttentionBlock
    query_key_value: Linear
    out: Linear
    cross_query: Linear
    cross_key_value: Linear
    cross_out: Linear
    up: Linear
    down: Linear


@dataclass
class Cache:
    """Keys and values of one batch.

    own: (rows, heads, CAPACITY, size) a layer;
    cross: (rows, heads, frames, size).
    """

    cross: list[tuple[Tensor, Tensor]]
    own: list[tuple[Tensor, Tensor]]
    length: int = 0

    def keep(self, rows: Tensor) -> None:
        """Drop the rows that are not in `rows` (k,)."""
        self.cross = [(key[rows], value[rows]) for key, value in self.cross]
        self.own = [(key[rows], value[rows]) for key, value in self.own]


@dataclass
class Decoded:
    """Result of greedy decoding for one window. `attention`: (tokens + 1, heads, frames) raw scores, or None."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    attention: Tensor | None = None
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


class Decoder:
    """The decoder of one Whisper model; its layers keep the model's modules and their own copies of the weights.

    `heads`: (layer, head) of the cross-attention heads that follow the words. `dtype` is the precision of the exact
    decoder; with `exact` False the weights are int8 (CPU only). Not thread-safe.
    """

    def __init__(self, model: Whisper, heads: Sequence[tuple[int, int]], dtype: torch.dtype, exact: bool) -> None:
        self.text = model.decoder
        self.heads = model.dims.n_text_head
        linear = exact_linear(dtype) if exact else int8_linear
        self.layers = [_layer(block, linear) for block in model.decoder.blocks]
        self.embedding = model.decoder.token_embedding.weight
        self.int8 = not exact
        self.logits_of = linear(self.embedding, None)
        self.watched = {layer: [h for at, h in heads if at == layer] for layer, _ in heads}

    def begin(self, states: Tensor) -> Cache:
        """The cache for encoder states (rows, frames, width): every layer's cross keys and values, computed once."""
        cross = []
        for layer in self.layers:
            key, value = self._split(layer.cross_key_value(states), 2)
            cross.append((key.contiguous(), value.contiguous()))
        shape = (len(states), self.heads, CAPACITY, states.shape[2] // self.heads)
        own = [(states.new_empty(shape), states.new_empty(shape)) for _ in self.layers]
        return Cache(cross, own)

    def step(self, tokens: Tensor, cache: Cache, seen: list[Tensor] | None = None) -> Tensor:
        """(rows, tokens, width) after reading `tokens` (rows, tokens); the watched heads' scores are put on `seen`.

        Scores are (rows, watched heads, tokens, frames), before softmax, scaled.
        """
        start, end = cache.length, cache.length + tokens.shape[1]
        x = self.text.token_embedding(tokens) + self.text.positional_embedding[start:end]
        x = x.to(cache.own[0][0].dtype)
        attend = functional.scaled_dot_product_attention
        causal = None
        if end - start > 1:
            causal = torch.ones(end - start, end, dtype=torch.bool, device=x.device).tril(start)
        scores = []
        for index, layer in enumerate(self.layers):
            block = layer.block
            query, key, value = self._split(layer.query_key_value(block.attn_ln(x)), 3)
            keys, values = cache.own[index]
            keys[:, :, start:end], values[:, :, start:end] = key, value
            x = x + layer.out(_join(attend(query, keys[:, :, :end], values[:, :, :end], attn_mask=causal)))
            (query,) = self._split(layer.cross_query(block.cross_attn_ln(x)), 1)
            keys, values = cache.cross[index]
            if seen is not None and index in self.watched:
                watched = query @ keys.transpose(2, 3) * query.shape[-1] ** -0.5
                scores.append(watched[:, self.watched[index]].float())
                attended = watched.softmax(dim=-1) @ values
            else:
                attended = attend(query, keys, values)
            x = x + layer.cross_out(_join(attended))
            x = x + layer.down(functional.gelu(layer.up(block.mlp_ln(x))))
        cache.length = end
        if seen is not None:
            seen.append(torch.cat(scores, dim=1))
        hidden: Tensor = self.text.ln(x)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, vocabulary) float32 from (rows, width)."""
        return self.logits_of(hidden).float()

    def best(self, hidden: Tensor, forbidden: Tensor) -> tuple[Tensor, Tensor]:
        """(rows,) tokens and (rows,) log probabilities; `forbidden` (vocabulary,) is 0 or -inf."""
        logits = self.logits(hidden) + forbidden
        if self.int8:
            candidates = logits.topk(RESCORED, dim=-1).indices
            exact = torch.einsum("rw,rcw->rc", hidden, self.embedding[candidates]) + forbidden[candidates]
            logits.scatter_(1, candidates, exact)
        value, token = logits.max(dim=-1)
        return token, value - logits.logsumexp(dim=-1)

    def _split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(rows, tokens, parts * width) -> `parts` tensors of (rows, heads, tokens, width / heads)."""
        rows, tokens, width = x.shape
        return x.view(rows, tokens, parts, self.heads, width // parts // self.heads).permute(2, 0, 3, 1, 4).unbind(0)


def exact_linear(dtype: torch.dtype) -> Callable[[Tensor, Tensor | None], Linear]:
    """Makes linear layers that compute in `dtype`."""

    def make(weight: Tensor, bias: Tensor | None) -> Linear:
        weight, bias = weight.to(dtype), None if bias is None else bias.to(dtype)
        return lambda x: functional.linear(x, weight, bias)

    return make


def int8_linear(weight: Tensor, bias: Tensor | None) -> Linear:
    """A linear layer with int8 weights, a scale for each output, and inputs quantised as they come. CPU only.

    PyTorch quantises all rows of the input by one scale, and a row would depend on its neighbours in the batch. So each
    row is brought to -1..1 first, and a row that spans just that range goes along.
    """
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch means to move quantisation to another package
        zeros = torch.zeros(len(weight), dtype=torch.long)
        quantised = torch.quantize_per_channel(weight.detach().float(), scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantised, None)
    # Without VNNI two products of 8 by 8 bits overflow 16: there the inputs get 7 bits.
    narrow = not torch.cpu._is_vnni_supported()
    span = torch.zeros(1, weight.shape[1])
    span[0, :2] = torch.tensor([-1.0, 1.0])

    def linear(x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        largest = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12)
        product = torch.ops.quantized.linear_dynamic(torch.cat([rows / largest, span]), packed, narrow)[:-1]
        product = product * largest if bias is None else torch.addcmul(bias, product, largest)
        return product.view(*x.shape[:-1], -1)

    return linear


def _layer(block: ResidualAttentionBlock, linear: Callable[[Tensor, Tensor | None], Linear]) -> Layer:
    own, cross = block.attn, block.cross_attn
    no_bias = torch.zeros_like(own.query.bias)  # keys have none
    return Layer(
        block,
        linear(torch.cat([own.query.weight, own.key.weight, own.value.weight]),
               torch.cat([own.query.bias, no_bias, own.value.bias])),
        linear(own.out.weight, own.out.bias),
        linear(cross.query.weight, cross.query.bias),
        linear(torch.cat([cross.key.weight, cross.value.weight]), torch.cat([no_bias, cross.value.bias])),
        linear(cross.out.weight, cross.out.bias),
        linear(block.mlp[0].weight, block.mlp[0].bias),
        linear(block.mlp[2].weight, block.mlp[2].bias),
    )


def _join(x: Tensor) -> Tensor:
    """(rows, heads, tokens, size) -> (rows, tokens, heads * size)."""
    return x.permute(0, 2, 1, 3).flatten(2)


@dataclass(frozen=True)
class Rules:
    """The end token, and the tokens that a transcript may not hold: (vocabulary,) tensors of 0 and -inf."""

    end: int
    forbidden: Tensor
    forbidden_first: Tensor  # the same, and what a transcript cannot begin with
    stop_at_loops: bool = False


def greedy(decoder: Decoder, cache: Cache, prompts: Tensor, rules: Rules, limits: Sequence[int],
           watch: bool) -> list[Decoded]:
    """Decode every row of the cache to its end, after reading `prompts` (rows, tokens). The cache is used up.

    `limits` (rows,): tokens after which a row is given up. `watch`: keep the attention that word times need.
    """
    results = [Decoded() for _ in range(len(prompts))]
    seen: list[list[Tensor]] = [[] for _ in results]
    alive = list(range(len(results)))  # which result each row of the cache belongs to
    tokens, forbidden = prompts, rules.forbidden_first
    while alive:
        scores: list[Tensor] | None = [] if watch else None
        hidden = decoder.step(tokens, cache, scores)[:, -1]
        best, logprobs = decoder.best(hidden, forbidden)
        if scores:
            for row, index in enumerate(alive):
                seen[index].append(scores[0][row, :, -1])
        going = _extend([results[index] for index in alive], best.tolist(), logprobs.tolist(), rules,
                        [limits[index] for index in alive])
        if len(going) < len(alive):
            rows = torch.tensor(going, dtype=torch.long, device=best.device)
            cache.keep(rows)
            best, alive = best[rows], [alive[row] for row in going]
        tokens, forbidden = best[:, None], rules.forbidden
    for result, rows_seen in zip(results, seen, strict=True):
        result.attention = torch.stack(rows_seen).cpu() if rows_seen else None
    return results


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
