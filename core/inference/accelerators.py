"""Whether a GPU may be used, found without PyTorch: its path is for CPUs."""

import ctypes
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from core.errors import ModelError
from core.localisation import _
from core.settings import Settings

CUDA_LIBRARIES = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}


def uses_exports(settings: Settings) -> bool:
    """Whether models of these settings run from exports: `inference` is auto and no GPU is to be used, or no torch."""
    if not has_torch():
        return True
    device = settings["device"]
    gpu = (device in ("auto", "cuda") and _has_cuda()) or (device in ("auto", "mps") and _has_mps())
    return bool(settings["inference"] == "auto" and not gpu)


def has_torch() -> bool:
    """Whether PyTorch is installed; the bundle leaves it out."""
    return find_spec("torch") is not None


def check_torch(title: str) -> None:
    """ModelError ("no_torch") where PyTorch, which the model of that title needs, is not installed."""
    if not has_torch():
        raise ModelError(_("{title} needs PyTorch, which this installation leaves out. Nothing was changed. Choose "
                           "the included model under Settings, or install the whole program as its "
                           "README says.").format(title=title), "no_torch")


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
