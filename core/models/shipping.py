"""Makes the exports that ship with the program: `python -m core.models.shipping`, after a change of `EXPORTER`.

Their parameters are not stored again: they refer to the weights that ship beside them.
"""

import json
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import TensorProto, helper, numpy_helper

from core.home import Home
from core.inference import exporting
from core.inference.exports import DESCRIPTION, SHIPPED, Export, ExportCache, describe
from core.models import exported, towers
from core.models.registry import ModelRegistry
from core.models.trained import TrainedModel
from core.pretrained.weight_table import MINI
from core.settings import Settings

WEIGHTS = "model.safetensors"


def main() -> None:
    """Make the exports of the bundled backbone and of its trained model."""
    for path in SHIPPED.glob(f"*/{DESCRIPTION}"):
        path.unlink()
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        settings = Settings().with_value("device", "cpu").with_value("inference", "torch")
        model = ModelRegistry(home).load(ModelRegistry(home).spec(settings), settings)
        assert isinstance(model, TrainedModel)
        cache = ExportCache(home)
        towers.make(cache, model)
        facts = model.fingerprint("").facts()
        key = exported.towers_key(MINI, str(facts["weights"]), str(facts["checkpoint"]), words=True)
        _ship(cache.find(key), key, SHIPPED / MINI)
        key = exported.voice_key(model.checkpoint.digest)
        _ship(cache.find(key), key, SHIPPED / f"{MINI}-full")


def _ship(export: Export | None, key: str, folder: Path) -> None:
    assert export is not None and export.usable
    graphs = sorted(export.folder.glob("*.onnx"))
    for path in graphs:
        graph = onnx.load(path)
        refer(graph, folder / WEIGHTS)
        exporting.save(graph, folder / path.name)
    names = [path.name for path in graphs]
    describe(folder, key, export.facts, export.cosine, names)
    print(folder.name, export.cosine, {name: (folder / name).stat().st_size for name in names})


def refer(model: onnx.ModelProto, weights: Path) -> None:
    """Replace the parameters that a safetensors file beside the graph holds, as they are or transposed, by references.
    """
    places, graph, turned = _places(weights), model.graph, []
    for tensor in graph.initializer:
        values, name = numpy_helper.to_array(tensor), tensor.name
        if values.nbytes < exporting.SMALL:
            continue
        place = places.get(values.tobytes())
        if place is None and values.ndim == 2 and (place := places.get(values.T.tobytes())) is not None:
            tensor.name = f"{name}:rows"
            tensor.dims[:] = values.T.shape
            turned.append(helper.make_node("Transpose", [tensor.name], [name], perm=[1, 0]))
        if place is not None:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for fact, value in (("location", weights.name), ("offset", place), ("length", values.nbytes)):
                tensor.external_data.add(key=fact, value=str(value))
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (*turned, *graph.node)]
    del graph.node[:]
    graph.node.extend(nodes)


def _places(weights: Path) -> dict[bytes, int]:
    """Offset in a safetensors file of each tensor, by its bytes."""
    content = weights.read_bytes()
    length, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    spans = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
    return {content[8 + length + start:8 + length + end]: 8 + length + start for start, end in spans}


if __name__ == "__main__":
    main()
