"""Ranks and collective operations of one process, or of several that `torchrun` started."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

PATIENCE = timedelta(days=2)  # one may prepare a dataset while the others wait


@dataclass(frozen=True)
class Processes:
    """This process: `rank` of `count`, `local` rank on its machine. The first one saves and logs."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this process saves and logs."""
        return self.rank == 0

    @property
    def _device(self) -> str:
        """Where tensors of collective calls must lie."""
        import torch.distributed as dist

        return "cuda" if dist.get_backend() == "nccl" else "cpu"

    def wait(self) -> None:
        """Barrier over all processes."""
        if self.count > 1:
            import torch.distributed as dist

            dist.barrier()

    def any(self, mine: bool) -> bool:
        """Whether any process passes True; a collective call."""
        if self.count == 1:
            return mine
        import torch
        import torch.distributed as dist

        votes = torch.tensor([int(mine)], device=self._device)
        dist.all_reduce(votes)
        return bool(votes.item())

    def average(self, tensors: "Sequence[Tensor]") -> None:
        """Replace tensors (of one dtype and device) by their means over all processes, in place; a collective call."""
        if self.count == 1:
            return
        import torch
        import torch.distributed as dist

        joined = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(joined)
        for tensor, mean in zip(tensors, (joined / self.count).split([tensor.numel() for tensor in tensors]),
                                strict=True):
            tensor.copy_(mean.view_as(tensor))

    def merge(self, rows: "NDArray[np.float32]") -> None:
        """Fill in the rows (n, dim) of this process that are NaN with those of the process that has them, in place.

        A collective call; at most one process has a row, and what none has stays NaN.
        """
        if self.count == 1:
            return
        import torch
        import torch.distributed as dist

        mine = torch.from_numpy(rows)
        own = ~mine.isnan().all(dim=1)
        joined = torch.cat([mine.where(own[:, None], torch.zeros(())), own[:, None].float()], dim=1)
        joined = joined.to(self._device)
        dist.all_reduce(joined)
        merged = joined.cpu()
        rows[:] = merged[:, :-1].where(merged[:, -1:] > 0, torch.tensor(torch.nan)).numpy()

    def alike(self, mine: int) -> bool:
        """Whether all processes pass the same number; a collective call."""
        if self.count == 1:
            return True
        import torch
        import torch.distributed as dist

        bounds = torch.tensor([mine, -mine], device=self._device)
        dist.all_reduce(bounds, dist.ReduceOp.MAX)
        return bool(bounds[0] == -bounds[1])


def shares(count: int, processes: int) -> tuple[int, ...]:
    """Numbers of items of each process, in order of rank: 32 in 3 processes are 11, 11 and 10."""
    least, more = divmod(count, processes)
    return tuple(least + (rank < more) for rank in range(processes))


@contextmanager
def together(gpu: bool) -> Iterator[Processes]:
    """The processes of this run; one, unless torchrun started it. Over NCCL on GPUs, else gloo."""
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    import torch
    import torch.distributed as dist

    local = int(os.environ["LOCAL_RANK"])
    if gpu:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), local)
    finally:
        dist.destroy_process_group()
