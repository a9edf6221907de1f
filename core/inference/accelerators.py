"""Whether a GPU may be used, found without PyTorch: its path is for CPUs."""

import ctypes
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from core.settings import Settings

CUDA_LIBRARIES = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}


def uses_exports(settings: Settings) -> bool:
    """Whether models of these settings run from exports: `inference` is auto, and no GPU is to be used."""
    device = settings["device"]
    gpu = (device in ("auto", "cuda") and _has_cuda()) or (device in ("auto", "mps") and _has_mps())
    return bool(settings["inference"] == "auto" and not gpu)


@cache
def _has_cuda() -> bool:
    """Whether a driver sees an NVIDIA GPU and this PyTorch was built for one."""
    try:
        if "+cpu" in version("torch"):
            return False
        driver, count = ctypes.CDLL(CUDA_LIBRARIES[sys.platform]), ctypes.c_int()
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (PackageNotFoundError, KeyError, OSError, AttributeError):
        return False


def _has_mps() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
