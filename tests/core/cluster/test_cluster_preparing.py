"""What a cluster prepares is what training would have prepared by itself, to the last bit."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cluster_processes import none_left, workers_of
from PIL import Image

from core import cli, datasets, demo, settings
from core.cluster.connection import ClusterOptions
from core.cluster.preparing import Preparation, PrepareRecipe
from core.errors import DatasetError, TrainingError
from core.explorer import Explorer
from core.features import speech_cache
from core.features.prepared_split import FeaturePreparer, Split
from core.home import Home
from core.progress import Progress

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the workers have: sums over several threads differ in their last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's recordings with drawn pictures: four of training, two of dev; a recording and a picture are broken."""
    folder = tmp_path_factory.mktemp("data")
    spoken = [query.path for query in demo.queries()][:4]
    lines = ["image,recording,caption,split"]
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        if number < len(spoken):
            shutil.copy(spoken[number], folder / f"{number}.flac")
        else:
            (folder / f"{number}.flac").write_bytes(spoken[0].read_bytes() if number == 4 else b"no recording")
        lines.append(f"{number}.png,{number}.flac,words,{'train' if number % 3 else 'dev'}")
    (folder / "0.png").write_bytes(b"no picture")
    (folder / "pairs.csv").write_text("\n".join(lines))
    return folder


def explorer_at(home: Path, whisper_base: Path) -> Explorer:
    return Explorer(Home(home), settings.Settings().with_value("weights.folder", str(whisper_base.parent)))


@pytest.fixture
def explorer(tmp_path: Path, whisper_base: Path) -> Iterator[Explorer]:
    opened = explorer_at(tmp_path / "home", whisper_base)
    yield opened
    opened.close()


def recipe(data: Path, **more: object) -> PrepareRecipe:
    return PrepareRecipe(data, backbone="brewclip-mini", **more)


def splits(explorer: Explorer, data: Path) -> list[Split]:
    """What training reads."""
    ready = FeaturePreparer(explorer.workspace, explorer.backbone(), "centre")
    return [ready.prepare(datasets.load(data), name) for name in ("train", "dev")]


@pytest.fixture(scope="module")
def local(data: Path, whisper_base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Split]:
    opened = explorer_at(tmp_path_factory.mktemp("local"), whisper_base)
    done = Preparation(opened.workspace, recipe(data)).run()
    assert (done.recordings, done.images) == (5, 5)
    found = splits(opened, data)
    opened.close()
    return found


def assert_same(ones: list[Split], others: list[Split]) -> None:
    """But for rounding: a worker has batches of its own, and other shapes have other kernels on some processors."""
    for one, other in zip(ones, others, strict=True):
        assert one.unreadable == other.unreadable
        for mine, theirs in zip(one.spoken, other.spoken, strict=True):
            assert (mine.transcript.text, mine.transcript.language) == (theirs.transcript.text,
                                                                       theirs.transcript.language)
            assert mine.transcript.avg_logprob == pytest.approx(theirs.transcript.avg_logprob, rel=1e-4)
            assert len(mine.states) == len(theirs.states)
            for part, same in zip(mine.states, theirs.states, strict=True):
                np.testing.assert_allclose(part, same, rtol=2e-3, atol=2e-3)  # float16's last bits
        for mine, theirs in zip(one.pictures, other.pictures, strict=True):
            np.testing.assert_allclose(mine.array, theirs.array, rtol=1e-5, atol=1e-5)


def test_a_cluster_prepares_the_same_and_goes_on_after_a_kill(explorer: Explorer, data: Path, local: list[Split],
                                                              options: ClusterOptions) -> None:
    preparation = Preparation(explorer.workspace, recipe(data))
    cost = preparation.cost()
    assert cost.recordings == 6 and cost.nbytes > 0
    killed: list[int] = []

    def report(progress: Progress) -> None:
        if not killed and (found := workers_of("SpeechWorker.work")):
            killed.append(found[0])
            os.kill(found[0], signal.SIGKILL)

    done = preparation.run(options, report)
    assert killed
    assert (done.recordings, done.images) == (5, 5)
    assert sorted(Path(path).name for path, _ in done.unreadable) == ["0.png", "5.flac"]
    after = preparation.cost()
    assert (after.recordings, after.states, after.pictures) == (1, 0, cost.pictures // 6)  # what is broken
    assert_same(splits(explorer, data), local)
    assert none_left("SpeechWorker") and none_left("ImageFeatureWorker")


def test_a_split_that_is_not_there_is_told(explorer: Explorer, data: Path) -> None:
    with pytest.raises(DatasetError, match="it has train, dev") as told:
        Preparation(explorer.workspace, recipe(data, splits=("nope",)))
    assert told.value.kind == "no_split"


def test_more_than_is_allowed_is_refused_before_anything_is_heard(explorer: Explorer, data: Path) -> None:
    preparation = Preparation(explorer.workspace, recipe(data, max_cache_gb=1e-6))
    with pytest.raises(TrainingError, match="--max-cache-gb") as told:
        preparation.check(preparation.cost())
    assert told.value.kind == "cache_cap"
    assert not (explorer.home.caches / "states").exists()


def test_the_command_tells_what_it_will_write_and_what_it_did(home: Home, whisper_base: Path, data: Path,
                                                              monkeypatch: pytest.MonkeyPatch,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BREWCLIP_MODELS", str(whisper_base.parent))
    arguments = ["prepare", str(data), "--backbone", "brewclip-mini", "--split", "dev", "--json"]
    assert cli.main(arguments) == 0
    told = capsys.readouterr()
    told_of = [{"path": "0.png", "reason": "0.png is not a picture of a kind that is read here."}]
    assert json.loads(told.out) == {"splits": ["dev"], "recordings": 2, "pictures": 1, "unreadable": told_of,
                                    "workers": []}
    assert "dev: 2 recordings to transcribe" in told.err
    assert cli.main([*arguments, "--workers", "2"]) == 2
    assert "--engine ray" in capsys.readouterr().err


def test_the_recordings_of_babble_are_those_that_hearing_takes() -> None:
    paths = [Path(f"{number:03}.wav") for number in range(100)]
    assert len(speech_cache.babble_paths(paths)) <= 25 and speech_cache.babble_paths(paths)[0] == paths[0]
