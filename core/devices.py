"""Compute device and precision of a model.

A GPU may be there and still fail: no memory, a driver that is too old, an operation that is missing. So whoever loads a
model asks `choose`, tries, and on an exception takes `fall_back`, whose `note` tells the user.
"""

import warnings
from dataclasses import dataclass

import torch

from core.errors import ModelError
from core.localisation import _

NAMES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """A compute device. `note` is a sentence for the user when it is not the requested one, else ""."""

    name: str  # "cpu", "cuda" or "mps"
    torch_device: torch.device
    precision: torch.dtype
    note: str = ""

    @property
    def precision_name(self) -> str:
        """The precision as fingerprints and people write it: "float32" or "float16"."""
        return str(self.precision).removeprefix("torch.")


CPU = Device("cpu", torch.device("cpu"), torch.float32)
TITLES = {"cuda": "The NVIDIA GPU", "mps": "The Apple GPU"}


def choose(device: str = "auto") -> Device:
    """The device for one of `NAMES`: float32 on a CPU and on Apple's GPU, float16 on NVIDIA's.

    A GPU that was asked for by name and is not there gives the CPU with a note. ModelError ("device") on another name.
    """
    if device not in NAMES:
        raise ModelError(_("There is no device {device!r}; choose one of {names}.").format(device=device,
                                                                                           names=", ".join(NAMES)),
                         "device")
    if device in ("auto", "cuda") and _cuda():
        return Device("cuda", torch.device("cuda"), torch.float16)
    if device in ("auto", "mps") and torch.backends.mps.is_available():
        return Device("mps", torch.device("mps"), torch.float32)
    if device in TITLES:
        return Device("cpu", CPU.torch_device, CPU.precision, f"{TITLES[device]} is not available; using the CPU.")
    return CPU


def fall_back(failed: Device, error: BaseException) -> Device:
    """The CPU, with a note on why `failed` is not used."""
    reason = next((line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()), type(error).__name__)
    reason = reason if len(reason) <= 120 else reason[:117] + "..."
    title = TITLES.get(failed.name, failed.name)
    return Device("cpu", CPU.torch_device, CPU.precision, f"{title} failed ({reason}); using the CPU.")


def _cuda() -> bool:
    """Whether a CUDA device can be used; a driver that is too old only warns, and the warning tells a user nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.cuda.is_available()
