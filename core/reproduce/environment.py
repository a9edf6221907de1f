"""Environment of a reproduction: versions, processors, GPUs. torch is imported here, for the names of the GPUs."""

import os
import platform
from importlib import metadata

from core import __version__

PACKAGES = ("torch", "numpy", "open_clip_torch", "openai-whisper", "onnxruntime", "scikit-learn")


def environment() -> dict[str, str]:
    """Names and versions, in the order in which a report shows them."""
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {"BrewCLIP Explorer": __version__, "Python": platform.python_version(),
            "System": platform.platform(terse=True), "Processors": f"{os.cpu_count() or 1} ({platform.machine()})",
            "GPUs": ", ".join(gpus) or "none", **{name: _version(name) for name in PACKAGES}}


def gpus() -> tuple[str, ...]:
    """Values of CUDA_VISIBLE_DEVICES for one training run each; ("",) where there is one device or none."""
    import torch

    count = torch.cuda.device_count()
    listed = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return tuple(listed if len(listed) == count else map(str, range(count))) if count > 1 else ("",)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
