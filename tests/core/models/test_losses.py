"""The losses against equations 1 and 2 in loops, and against one process when there are two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.models.losses import Objective, brewclip_loss

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
EVERYONE = torch.ones(6, dtype=torch.bool)
IDS = torch.tensor([1, 2, 3, 2, 5, 1])  # pairs 0 and 5 share a picture, and 1 and 3
SCALE = torch.tensor(1 / 0.07)


def vectors(seed: int, count: int = 6) -> Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)) * 3


def one_way(left: Tensor, right: Tensor, ids: list[int], taking_part: list[bool], temperature: float) -> float:
    """Equation 1, term by term; other pairs of the same picture are left out of the sum below the line."""
    terms = []
    for i, a in enumerate(left):
        if not taking_part[i]:
            continue
        scores = [torch.exp(torch.cosine_similarity(a, b, dim=0) / temperature) for b in right]
        below = sum(score for j, score in enumerate(scores) if j == i or (ids[j] != ids[i] and taking_part[j]))
        terms.append(-torch.log(scores[i] / below))
    return float(torch.stack(terms).mean())


def both_ways(a: Tensor, b: Tensor, ids: list[int], taking_part: list[bool]) -> float:
    return one_way(a, b, ids, taking_part, 0.07) + one_way(b, a, ids, taking_part, 0.07)


def authors_way(a: Tensor, b: Tensor, ids: list[int]) -> Tensor:
    """The mean of both directions as the authors' code has it, term by term, on vectors as they are."""
    logits = a @ b.T / 0.07
    terms = []
    for scores in (logits, logits.T):
        for i, row in enumerate(scores):
            below = sum(torch.exp(row[j]) for j in range(len(row)) if j == i or ids[i] != ids[j])
            terms.append(torch.log(below + 1e-6) - row[i])
    return torch.stack(terms).mean()


@pytest.mark.parametrize("inner_weight", [0.0, 0.25])
@pytest.mark.parametrize("replicas", [0, 2, 4])
def test_the_loss_is_the_authors(inner_weight: float, replicas: int) -> None:
    """Six pairs in four replicas are parts of two, as `torch.chunk` makes them: three parts."""
    image, spoken, text, acoustic = (vectors(seed).double() for seed in range(4))
    text, acoustic = text / 8, acoustic / 8
    parts = [slice(None)] if not replicas else [slice(0, 3), slice(3, 6)] if replicas == 2 else [
        slice(0, 2), slice(2, 4), slice(4, 6)]
    expected = []
    for part in parts:
        ids = IDS[part].tolist()
        outer = authors_way(*(torch.nn.functional.normalize(each[part]) for each in (image, spoken)), ids)
        inner = authors_way(text[part], acoustic[part], ids)
        expected.append((1 - inner_weight) * outer + inner_weight * (inner + inner))
    losses = brewclip_loss(image, spoken, text, acoustic, EVERYONE, IDS, SCALE, inner_weight,
                           Objective(authors=True, replicas=replicas))
    assert float(losses.total) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)


def test_pairs_of_the_same_picture_can_be_negatives() -> None:
    image, spoken = vectors(0), vectors(1)
    unmasked = brewclip_loss(image, spoken, None, None, EVERYONE, IDS, SCALE, 0.1, Objective(same_image_negatives=True))
    others = brewclip_loss(image, spoken, None, None, EVERYONE, torch.arange(6), SCALE, 0.1)
    assert float(unmasked.total) == float(others.total)
    assert float(unmasked.total) > float(brewclip_loss(image, spoken, None, None, EVERYONE, IDS, SCALE, 0.1).total)


@pytest.mark.parametrize("has_text", [[True] * 6, [True, False, True, True, False, True]])
def test_the_loss_is_the_papers(has_text: list[bool]) -> None:
    image, spoken, text, acoustic = (vectors(seed) for seed in range(4))
    losses = brewclip_loss(image, spoken, text, acoustic, torch.tensor(has_text), IDS, SCALE, 0.1)
    outer = both_ways(image, spoken, IDS.tolist(), [True] * 6)
    inner = both_ways(acoustic, text, IDS.tolist(), has_text)
    assert float(losses.outer) == pytest.approx(outer, rel=1e-5)
    assert float(losses.inner) == pytest.approx(inner, rel=1e-5)
    assert float(losses.total) == pytest.approx(0.1 * inner + 0.9 * outer, rel=1e-5)


def test_another_pair_of_the_same_picture_is_no_negative() -> None:
    image, spoken = vectors(0), vectors(1)
    image[5] = image[0]
    spoken[5] = image[0]  # the other utterance of picture 1 is right on it
    unlike = brewclip_loss(image, spoken, None, None, EVERYONE, torch.arange(6), SCALE, 0.1)
    alike = brewclip_loss(image, spoken, None, None, EVERYONE, IDS, SCALE, 0.1)
    assert alike.outer < unlike.outer - 0.5
    spoken[0].neg_()
    image.requires_grad_(), spoken.requires_grad_()
    gradient = torch.autograd.grad(
        brewclip_loss(image[[0, 5]], spoken[[0, 5]], None, None, EVERYONE[:2], IDS[[0, 5]], SCALE, 0.1).total,
        [image, spoken])
    assert all(float(each.abs().max()) == 0 for each in gradient)  # one picture alone has no negatives at all


def test_without_two_branches_the_outer_loss_is_all() -> None:
    losses = brewclip_loss(vectors(0), vectors(1), None, vectors(3), EVERYONE, IDS, SCALE, 0.1)
    assert float(losses.total) == float(losses.outer)
    assert float(losses.inner) == 0


def test_a_batch_without_words_has_no_inner_loss_and_finite_gradients() -> None:
    acoustic = vectors(3).requires_grad_()
    losses = brewclip_loss(vectors(0), acoustic * 2, vectors(2), acoustic, ~EVERYONE, IDS, SCALE, 0.1)
    losses.total.backward()
    assert float(losses.inner) == 0
    assert acoustic.grad is not None
    assert torch.isfinite(acoustic.grad).all() and acoustic.grad.abs().sum() > 0


def test_half_precision_features_are_compared_in_float32() -> None:
    image, spoken = (vectors(seed).bfloat16() for seed in (0, 1))
    with torch.autocast("cpu", torch.bfloat16):
        losses = brewclip_loss(image, spoken, None, None, EVERYONE, IDS, SCALE, 0.1)
    exact = brewclip_loss(image.float(), spoken.float(), None, None, EVERYONE, IDS, SCALE, 0.1)
    assert losses.total.dtype == torch.float32
    assert torch.equal(losses.total, exact.total)


# --- several processes ---------------------------------------------------------------------------------------------

WORK = """
import json, os, sys
import torch
import torch.distributed as dist
from core.models.losses import Objective, brewclip_loss
from core.training.distributed import Processes, shares

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.parts = torch.nn.ModuleList(torch.nn.Linear(5, 8) for _ in range(3))
        self.log_scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        image, text, acoustic = (part(x) for part in self.parts)
        return image, text + acoustic, text, acoustic, self.log_scale.exp()

rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if world > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting-{world}", rank=rank, world_size=world)
generator = torch.Generator().manual_seed(7)
x, ids = torch.randn(8, 5, generator=generator), torch.tensor([1, 2, 3, 2, 5, 1, 3, 8])
has_text = torch.tensor([1, 1, 0, 1, 1, 1, 0, 0]).bool()  # not equally many in the two halves
sizes = shares(8, world)
own = slice(sum(sizes[:rank]), sum(sizes[:rank + 1]))
model = Model()
image, spoken, text, acoustic, scale = model(x[own])
losses = brewclip_loss(image, spoken, text, acoustic, has_text[own], ids[own], scale, 0.25, Objective(shares=sizes))
losses.total.backward()
Processes(rank, world).average([each.grad for each in model.parameters()])
torch.save({"loss": losses.total.detach(), "gradients": [each.grad for each in model.parameters()]},
           f"{folder}/{world}-{rank}.pt")
if world > 1:
    dist.destroy_process_group()
"""


def test_several_processes_give_the_loss_and_gradients_of_one(tmp_path: Path) -> None:
    """Two with four rows each; three with three, three and two."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    started = [subprocess.Popen([sys.executable, "-c", WORK, str(rank), str(world), str(tmp_path)], env=environment,
                                stderr=subprocess.PIPE, text=True)
               for world in (1, 2, 3) for rank in range(world)]
    for process in started:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    one, *others = (torch.load(tmp_path / f"{world}-{rank}.pt", weights_only=True)
                    for world in (1, 2, 3) for rank in range(world))
    for parts in (others[:2], others[2:]):
        losses = [part["loss"] for part in parts]
        assert torch.allclose(sum(losses) / len(losses), one["loss"], atol=1e-6)
        assert len(set(map(float, losses))) == len(losses)  # each scores its own rows
        for gradient, *shared in zip(one["gradients"], *(part["gradients"] for part in parts), strict=True):
            assert gradient.abs().max() > 1e-4
            assert all(torch.equal(each, shared[0]) for each in shared)
            assert torch.allclose(shared[0], gradient, atol=1e-6)
