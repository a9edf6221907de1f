"""The CTranslate2 reader: a small file made here, files that are broken, and the real weights."""

import struct
from pathlib import Path

import numpy as np
import pytest

from core.errors import WeightsError
from core.pretrained import ctranslate
from core.pretrained.weight_table import BY_NAME

KINDS = {"<f4": 0, "<i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}
WIDTH = 4


def text(words: str) -> bytes:
    return struct.pack("<H", len(words) + 1) + words.encode() + b"\0"


def made(variables: dict[str, np.ndarray], aliases: dict[str, str] | None = None, version: int = 6) -> bytes:
    out = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, values in variables.items():
        raw = values.tobytes()
        out += text(name) + struct.pack("<B", values.ndim) + b"".join(struct.pack("<I", n) for n in values.shape)
        out += struct.pack("<BI", KINDS[values.dtype.str.replace("|", "<")], len(raw)) + raw
    out += struct.pack("<I", len(aliases or {}))
    return out + b"".join(text(alias) + text(name) for alias, name in (aliases or {}).items())


def small_whisper(key_bias: float = 0.0) -> dict[str, np.ndarray]:
    """One layer a side, four wide, every number another."""
    count = iter(range(10_000))

    def values(*shape: int) -> np.ndarray:
        return np.array([next(count) for _ in range(int(np.prod(shape)))], "<f2").reshape(shape)

    def stacked_bias(parts: int) -> np.ndarray:
        bias = values(parts, WIDTH)
        bias[-2] = key_bias
        return bias.reshape(-1)

    def dense(stem: str, rows: int = WIDTH, columns: int = WIDTH) -> dict[str, np.ndarray]:
        return {f"{stem}/weight": values(rows, columns), f"{stem}/bias": values(rows)}

    def norm(stem: str) -> dict[str, np.ndarray]:
        return {f"{stem}/gamma": values(WIDTH), f"{stem}/beta": values(WIDTH)}

    found = {"encoder/num_heads": np.array(2, "<i2"), "decoder/alignment_heads": np.array([[0, 1]], "<i2")}
    for number in (1, 2):
        found |= {f"encoder/conv{number}/weight": values(WIDTH, WIDTH, 3), f"encoder/conv{number}/bias": values(WIDTH)}
    for side in ("encoder", "decoder"):
        layer = f"{side}/layer_0"
        found[f"{side}/position_encodings/encodings"] = values(5, WIDTH)
        found |= norm(f"{side}/layer_norm") | norm(f"{layer}/self_attention/layer_norm")
        found[f"{layer}/self_attention/linear_0/weight"] = values(3 * WIDTH, WIDTH)
        found[f"{layer}/self_attention/linear_0/bias"] = stacked_bias(3)
        found |= dense(f"{layer}/self_attention/linear_1")
        found |= norm(f"{layer}/ffn/layer_norm") | dense(f"{layer}/ffn/linear_0", 4 * WIDTH)
        found |= dense(f"{layer}/ffn/linear_1", WIDTH, 4 * WIDTH)
    cross = "decoder/layer_0/attention"
    found |= norm(f"{cross}/layer_norm") | dense(f"{cross}/linear_0") | dense(f"{cross}/linear_2")
    found[f"{cross}/linear_1/weight"] = values(2 * WIDTH, WIDTH)
    found[f"{cross}/linear_1/bias"] = stacked_bias(2)
    found["decoder/embeddings/weight"] = values(7, WIDTH)
    return found


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_every_variable_comes_back_with_its_type_and_shape(tmp_path: Path) -> None:
    variables = {"a/f4": np.arange(6, dtype="<f4").reshape(2, 3), "b/i1": np.array([-1, 2], "<i1"),
                 "c/i2": np.array(7, "<i2"), "d/i4": np.array([[1]], "<i4"), "e/f2": np.array([0.5], "<f2")}
    found = ctranslate.read(written(tmp_path / "model.bin", made(variables, {"tied": "a/f4"})))
    assert set(found) == {*variables, "tied"}
    for name, values in variables.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)
    np.testing.assert_array_equal(found["tied"], variables["a/f4"])


def test_names_are_whispers_own_and_stacked_projections_fall_apart(tmp_path: Path) -> None:
    variables = small_whisper()
    state = ctranslate.whisper_state(variables)
    stacked = variables["encoder/layer_0/self_attention/linear_0/weight"]
    np.testing.assert_array_equal(state["encoder.blocks.0.attn.query.weight"], stacked[:4])
    np.testing.assert_array_equal(state["encoder.blocks.0.attn.key.weight"], stacked[4:8])
    np.testing.assert_array_equal(state["encoder.blocks.0.attn.value.weight"], stacked[8:])
    pair = variables["decoder/layer_0/attention/linear_1/weight"]
    np.testing.assert_array_equal(state["decoder.blocks.0.cross_attn.key.weight"], pair[:4])
    np.testing.assert_array_equal(state["decoder.blocks.0.cross_attn.value.weight"], pair[4:])
    np.testing.assert_array_equal(state["decoder.blocks.0.cross_attn.value.bias"],
                                  variables["decoder/layer_0/attention/linear_1/bias"][4:])
    np.testing.assert_array_equal(state["decoder.blocks.0.mlp.2.weight"],
                                  variables["decoder/layer_0/ffn/linear_1/weight"])


def test_a_converted_file_loads_into_whispers_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    import whisper

    dims = {"n_mels": WIDTH, "n_vocab": 7, "n_audio_ctx": 5, "n_audio_state": WIDTH, "n_audio_head": 2,
            "n_audio_layer": 1, "n_text_ctx": 5, "n_text_state": WIDTH, "n_text_head": 2, "n_text_layer": 1}
    monkeypatch.setattr(ctranslate, "DIMS", dims)
    variables = small_whisper()
    source, target = written(tmp_path / "model.bin", made(variables)), tmp_path / "small.pt"
    digest = ctranslate.convert(source, target)
    assert ctranslate.checkpoint_digest(target) == digest
    assert torch.load(target, weights_only=True)["dims"] == dims
    model = whisper.load_model(str(target), device="cpu")  # strict: a missing or needless name fails
    np.testing.assert_array_equal(model.decoder.token_embedding.weight.detach().numpy(),
                                  variables["decoder/embeddings/weight"].astype(np.float32))


def test_a_key_with_a_bias_is_not_whisper(tmp_path: Path) -> None:
    source = written(tmp_path / "model.bin", made(small_whisper(key_bias=1.0)))
    with pytest.raises(WeightsError, match="bias") as caught:
        ctranslate.convert(source, tmp_path / "out.pt")
    assert caught.value.kind == "damaged"
    assert not (tmp_path / "out.pt").exists()


WHOLE = made({"a/weight": np.arange(6, dtype="<f4")})


@pytest.mark.parametrize("data", [
    b"", b"\6\0\0\0", WHOLE[:-1], WHOLE[:40], WHOLE + b"more", made({"a": np.zeros(2, "<f4")}, version=5),
    WHOLE.replace(struct.pack("<BI", 0, 24), struct.pack("<BI", 9, 24)),  # a type that is none
    WHOLE.replace(struct.pack("<BI", 0, 24), struct.pack("<BI", 0, 23)),  # bytes that are no whole numbers
    made({"a": np.zeros(2, "<f4")}, {"b": "nothing"}), made({}, version=6)[:-8] + b"\xff" * 8, b"PK\3\4" * 100,
])
def test_a_broken_file_is_told_as_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WeightsError) as caught:
        ctranslate.read(written(tmp_path / "model.bin", data))
    assert caught.value.kind == "damaged"


def test_the_digest_knows_names_types_shapes_and_values() -> None:
    import torch

    base = {"a": torch.zeros(2, 3), "b": torch.ones(2)}
    others = [{"a": base["a"], "c": base["b"]}, {"a": base["a"].half(), "b": base["b"]},
              {"a": base["a"].reshape(3, 2), "b": base["b"]}, {"a": base["a"], "b": base["b"] * 2}]
    assert len({ctranslate.tensors_digest(state) for state in (base, *others)}) == 5
    assert ctranslate.tensors_digest(dict(reversed(base.items()))) == ctranslate.tensors_digest(base)


def test_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not a Whisper checkpoint"):
        ctranslate.checkpoint_digest(written(tmp_path / "base.pt", b"nothing of the kind"))


@pytest.mark.slow
def test_the_real_weights_are_the_known_ones(whisper_base: Path) -> None:
    import torch

    assert ctranslate.checkpoint_digest(whisper_base) == BY_NAME["whisper-base"].tensors
    state = torch.load(whisper_base, weights_only=True, mmap=True)["model_state_dict"]
    learnt = {name: values for name, values in state.items() if name != "encoder.positional_embedding"}
    assert sum(values.numel() for values in learnt.values()) == 71_825_920
