"""Convert OpenAI's CLIP files, which are TorchScript programs, to tensors.

A program is opened only when its SHA-256 is in this project's table.
"""

import zipfile
from pathlib import Path

from core.errors import WeightsError
from core.localisation import _

NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # numbers that OpenAI keeps among the tensors


def is_program(path: Path) -> bool:
    """Whether a file is a TorchScript archive rather than tensors alone."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.split("/")[1:2] == ["code"] for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def convert(source: Path, target: Path) -> None:
    """Write the tensors of a TorchScript archive, whose SHA-256 the caller has checked, to `target` as safetensors.

    WeightsError "damaged" when it cannot be read; OSError from the disk.
    """
    import torch
    from safetensors.torch import save

    try:
        state = torch.jit.load(str(source), map_location="cpu").state_dict()
    except (RuntimeError, ValueError) as error:
        raise WeightsError(_("{name} is not a whole TorchScript archive.").format(name=source.name),
                           "damaged") from error
    tensors = {name: values.detach().clone().contiguous() for name, values in state.items() if name not in NO_WEIGHTS}
    target.write_bytes(save(tensors))
