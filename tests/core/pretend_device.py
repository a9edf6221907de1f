"""A device that is pretended: tensors with real values on the CPU that say they are elsewhere.

PyTorch's own fake tensors have no values, so a path that reads one (an optimiser, a rank, an array) cannot be walked
with them. These have, and they complain as a GPU's do: of operands on two devices, and of `numpy()` without `cpu()`.
They call themselves "meta", the one device without hardware whose backward pass PyTorch runs on the CPU's thread.
Not seen: kernels, float16, speed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from core import devices

AWAY = torch.device("meta")
PRETENDED = devices.Device("pretended", AWAY, torch.float32)
MAY_MIX = ("aten::copy_", "aten::_to_copy")  # a move, and what is written in place


class Away(Tensor):
    """A tensor on the pretended device; `inside` has its values."""

    inside: Tensor

    @staticmethod
    def __new__(cls, real: Tensor) -> "Away":
        found = Tensor._make_wrapper_subclass(cls, real.shape, strides=real.stride(),
                                              storage_offset=real.storage_offset(), dtype=real.dtype, device=AWAY)
        found.inside = real
        return found

    def __repr__(self, **_: Any) -> str:
        return f"Away({self.inside!r})"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


class Pretending(TorchDispatchMode):
    """In here tensors can be made on the pretended device and moved there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The result of an operation, where a GPU would have it. RuntimeError where operands lie on two devices."""
    name, given = func._schema.name, [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    away = [each for each in given if isinstance(each, Away)]
    if away and name not in MAY_MIX and any(_stays(each) for each in _bound(name, args, given)):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two ({name})")
    asked = kwargs.get("device")
    there = bool(away) if asked is None else torch.device(asked) == AWAY
    if name == "aten::copy_":
        there = isinstance(args[0], Away)
    if there and isinstance(kwargs.get("generator"), torch.Generator):
        raise RuntimeError(f"Expected a generator of the pretended device ({name})")
    kwargs = kwargs if asked is None else {**kwargs, "device": torch.device("cpu")}
    real = func(*tree_map(_real, args), **tree_map(_real, kwargs))
    if name == "aten::_to_copy" and there and not away:
        real = real.clone()
    if len(away) and func._schema.is_mutable and isinstance(args[0], Tensor) and name.endswith("_"):
        return args[0]
    return tree_map(lambda each: Away(each) if isinstance(each, Tensor) and there else each, real)


def _bound(name: str, args: Any, given: list[Tensor]) -> list[Tensor]:
    """The operands that have to lie together: a GPU takes indices and 0-dimensional numbers of the CPU."""
    return [args[0]] if name in ("aten::index", "aten::index_put_") and isinstance(args[0], Tensor) else given


def _stays(each: Tensor) -> bool:
    return not isinstance(each, Away) and each.dim() > 0


def _real(each: Any) -> Any:
    return each.inside if isinstance(each, Away) else each


class Filling(TorchFunctionMode):
    """What PyTorch leaves without values on "meta": `torch.tensor(values, device=...)`, a list as index, `tolist`."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            device = kwargs.pop("device")
            return func(*args, **kwargs).to(device)
        if func is Tensor.__getitem__ and isinstance(args[0], Away) and isinstance(args[1], list):
            return args[0][torch.tensor(args[1])]
        if func is torch.stft and isinstance(args[0], Away):  # it changes a wrapper's shape in place
            assert isinstance(kwargs["window"], Away)
            return Away(func(*tree_map(_real, args), **tree_map(_real, kwargs)))
        if func is Tensor.tolist and isinstance(args[0], Away):
            return args[0].inside.tolist()
        return func(*args, **kwargs)


def _enter(self: Any) -> None:
    """Inference mode cannot make views of wrapped tensors: without gradients is as near as it gets."""
    self.before = torch.is_grad_enabled()
    torch._C._set_grad_enabled(self.before and not self.mode)


def _leave(self: Any, *_: object) -> None:
    torch._C._set_grad_enabled(self.before)


def _autocast(kind: str, *args: Any, real: Any = torch.autocast, **kwargs: Any) -> Any:
    return real("cpu" if kind == AWAY.type else kind, *args, **kwargs)


@contextmanager
def pretending() -> Iterator[torch.device]:
    """A context in which there is the pretended device."""
    with (mock.patch.object(torch.inference_mode, "__enter__", _enter),
          mock.patch.object(torch.inference_mode, "__exit__", _leave), mock.patch.object(torch, "autocast", _autocast),
          Pretending(), Filling()):
        yield AWAY
