"""Tensors out of a TorchScript archive, made here in the manner of OpenAI's CLIP files."""

from pathlib import Path

import pytest

from core.errors import WeightsError
from core.pretrained import torchscript


def program(path: Path) -> Path:
    import torch

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 2)
            self.register_buffer("input_resolution", torch.tensor(224))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    torch.jit.script(Small()).save(str(path))
    return path


def test_only_tensors_are_kept_with_their_names_and_values(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    source = program(tmp_path / "ViT-S.pt")
    assert torchscript.is_program(source)
    torchscript.convert(source, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    expected = torch.jit.load(str(source)).state_dict()
    assert set(found) == {"layer.weight", "layer.bias"}
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_file_of_tensors_or_of_nothing_is_no_program(tmp_path: Path) -> None:
    import torch

    torch.save({"a": torch.zeros(2)}, tmp_path / "state.pt")
    (tmp_path / "other.pt").write_bytes(b"nothing")
    assert not torchscript.is_program(tmp_path / "state.pt")
    assert not torchscript.is_program(tmp_path / "other.pt")


def test_a_broken_archive_is_told_as_damaged(tmp_path: Path) -> None:
    source = program(tmp_path / "ViT-S.pt")
    source.write_bytes(source.read_bytes()[:-200])
    with pytest.raises(WeightsError) as caught:
        torchscript.convert(source, tmp_path / "out.safetensors")
    assert caught.value.kind == "damaged"
    assert not (tmp_path / "out.safetensors").exists()
