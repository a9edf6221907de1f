import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.home import Home
from core.inference import exporting
from core.inference.exports import EXPORTER, Check, Export, ExportCache, Write, export_key
from core.inference.sessions import Session

pytestmark = pytest.mark.slow  # the exporter alone takes seconds to import

TABLE = torch.arange(4096, dtype=torch.float32).view(512, 8)


class Tower(nn.Module):
    """Sums of rows of a table, projected: a lookup in float16, a projection that needs float32."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(TABLE % 1024)
        self.project = nn.Linear(8, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        vectors: Tensor = self.project(self.table(tokens).mean(dim=1))
        return vectors


@pytest.fixture(scope="module")
def tower() -> Tower:
    torch.manual_seed(1)
    return Tower().eval()


@pytest.fixture(scope="module")
def graph(tower: Tower, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "tower.onnx"
    exporting.export(tower, path, {"tokens": torch.arange(6).view(2, 3)}, ["vectors"], {"tokens": (0, 1)})
    return path




def maker(graph: Path, cosine: float = 1.0) -> tuple[Write, Check]:
    def write(folder: Path) -> dict[str, int]:
        (folder / "tower.onnx").write_bytes(graph.read_bytes())
        return {"dim": 256}

    return write, lambda export: cosine


def test_an_export_gives_the_modules_vectors_for_any_batch(tower: Tower, graph: Path) -> None:
    session = Session(graph)
    assert session.inputs == {"tokens": "tensor(int64)"}
    for shape in ((1, 1), (2, 3), (5, 7)):
        tokens = torch.randint(0, 512, shape)
        with torch.inference_mode():
            expected = tower(tokens).numpy()
        vectors, = session(tokens=tokens.numpy())
        assert exporting.least_cosine([expected], [vectors]) > 0.999999


def test_parameters_that_lose_nothing_are_stored_in_float16(graph: Path) -> None:
    import onnx

    stored = {tensor.name: tensor.data_type for tensor in onnx.load(graph).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in stored.values()
    assert onnx.TensorProto.FLOAT in stored.values()  # the projection is no float16
    assert graph.stat().st_size < 512 * 8 * 2 + 8 * 256 * 4 + 8000


def test_an_export_is_made_once_and_found_again(home: Home, graph: Path) -> None:
    cache, key = ExportCache(home), export_key("tower", {"weights": "1"})
    assert cache.find(key) is None
    made = cache.make(key, *maker(graph))
    assert made.usable
    assert made.facts == {"dim": 256}
    again = ExportCache(home).find(key)
    assert again is not None
    assert again.facts == {"dim": 256}
    assert again.session("tower")(tokens=np.zeros((2, 2), np.int64))[0].shape == (2, 256)
    assert cache.find(export_key("tower", {"weights": "2"})) is None


def test_a_damaged_export_is_made_anew(home: Home, graph: Path) -> None:
    cache, key = ExportCache(home), export_key("tower", {"weights": "1"})
    path = cache.make(key, *maker(graph)).folder / "tower.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert cache.find(key) is None
    assert cache.make(key, *maker(graph)).usable
    assert cache.find(key) is not None
    path.unlink()
    assert cache.find(key) is None


def test_a_description_that_is_damaged_is_no_export(home: Home, graph: Path) -> None:
    cache, key = ExportCache(home), export_key("tower", {})
    description = cache.make(key, *maker(graph)).folder / "export.json"
    for content in (b"", b"[]", b'{"key": 1}', b"\xff", description.read_bytes()[:-20]):
        description.write_bytes(content)
        assert cache.find(key) is None


@pytest.mark.parametrize("cosine", [0.9999, -1.0, float("nan")])
def test_an_export_with_other_results_is_given_up_and_the_verdict_kept(
        home: Home, graph: Path, cosine: float, caplog: pytest.LogCaptureFixture) -> None:
    cache, key = ExportCache(home), export_key("tower", {})
    with caplog.at_level(logging.WARNING):
        made = cache.make(key, *maker(graph, cosine))
    assert not made.usable
    assert "runs in PyTorch" in caplog.text
    found = cache.find(key)
    assert found is not None
    assert not found.usable
    assert not (found.folder / "tower.onnx").exists()


def test_a_model_that_cannot_be_exported_is_given_up(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    def write(folder: Path) -> dict[str, int]:
        raise NotImplementedError("no such operator\nand a long story")

    cache, key = ExportCache(home), export_key("tower", {})
    with caplog.at_level(logging.WARNING):
        assert not cache.make(key, write, lambda export: 1.0).usable
    assert "no such operator" in caplog.text
    assert "long story" not in caplog.text
    found = cache.find(key)
    assert found is not None
    assert not found.usable


def test_exports_that_ship_are_found_by_their_key(home: Home, graph: Path, tmp_path: Path) -> None:
    key = export_key("tower", {})
    made = ExportCache(home).make(key, *maker(graph))
    shipped = tmp_path / "models" / "tower"
    shipped.parent.mkdir()
    made.folder.rename(shipped)
    assert ExportCache(home, tmp_path / "models").find(key) == Export(shipped, 1.0, {"dim": 256})
    assert ExportCache(home, tmp_path / "models").find(export_key("other", {})) is None


def test_keys_tell_kinds_facts_and_exporters_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {export_key("tower", {"a": 1}), export_key("tower", {"a": 2}), export_key("other", {"a": 1})}
    monkeypatch.setattr("core.inference.exports.EXPORTER", EXPORTER + 1)
    assert len(keys | {export_key("tower", {"a": 1})}) == 4


def test_least_cosine_takes_the_worst_vector_and_refuses_other_shapes() -> None:
    one, other = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [1, 1]])
    assert exporting.least_cosine([one], [other]) == pytest.approx(0.5 ** 0.5)
    assert np.isnan(exporting.least_cosine([one], [other[:1]]))
    assert np.isnan(exporting.least_cosine([one], [np.zeros((2, 2))]))
