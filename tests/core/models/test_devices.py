import pytest
import torch

from core import devices
from core.errors import ModelError


def test_cpu_computes_in_float32() -> None:
    device = devices.choose("cpu")
    assert (device.name, device.precision_name, device.note) == ("cpu", "float32", "")


def test_a_gpu_is_taken_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.choose("auto").name == devices.choose("cuda").name == "cuda"
    assert devices.choose("auto").precision_name == "float16"


def test_a_gpu_that_is_not_there_gives_the_cpu_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    device = devices.choose("cuda")
    assert device.name == "cpu"
    assert device.note == "The NVIDIA GPU is not available; using the CPU."


def test_fall_back_tells_the_reason_in_one_line() -> None:
    failed = devices.Device("cuda", torch.device("cpu"), torch.float16)
    device = devices.fall_back(failed, RuntimeError("\nCUDA out of memory.\nTried to allocate " + "x" * 500))
    assert device.name == "cpu"
    assert device.note == "The NVIDIA GPU failed (CUDA out of memory); using the CPU."
    assert len(devices.fall_back(failed, RuntimeError("y" * 500)).note) < 200
    assert "KeyError" in devices.fall_back(failed, KeyError()).note


def test_unknown_device() -> None:
    with pytest.raises(ModelError, match="auto, cpu, cuda, mps"):
        devices.choose("tpu")
