"""Folds that were fine-tuned, a file each: a fine-tuning that was stopped or killed goes on with the next one.

A file is written beside its place and then renamed.
"""

import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core import private_files
from core.emotion import finetune as tuning
from core.emotion.dataset import ProbeDataset
from core.emotion.layer_cache import Floats
from core.emotion.probes import Arrays, Curve
from core.emotion.protocols import Fold
from core.emotion.results import Options
from core.errors import StoreError
from core.features.feature_cache import Computed, FeatureCache
from core.fingerprint import Fingerprint
from core.home import Home
from core.localisation import _

LAYOUT = 1
EXPERIMENTS = 4  # whose folds are kept; older ones go


@dataclass(frozen=True, eq=False)
class FoldPrediction:
    """Predictions of a fold's test recordings: `probabilities` (k, classes), `curves` (k) or (), and what was `chosen`.

    `probe` and `vectors` (n, d) where they are wanted of this fold.
    """

    probabilities: Floats
    chosen: str
    curves: tuple[Curve, ...] = ()
    probe: Arrays | None = None
    vectors: Floats | None = None


@dataclass(frozen=True)
class Wanted:
    """Parts of a fold's prediction that are wanted beside its probabilities."""

    curves: bool
    probe: bool
    vectors: bool


class FoldCache:
    """Folds of one experiment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, home: Home, options: Options, dataset: ProbeDataset) -> "FoldCache":
        """The cache of an experiment's folds; those of long past experiments are deleted."""
        values = {name: str(value) for name, value in asdict(options).items() if name not in ("features", "seeds")}
        branches = dataset.branches.fingerprint(0) if dataset.branches is not None else ""
        files = [_state(record.recording) for record in dataset.recordings.utterances]
        fingerprint = Fingerprint.of({**values, "branches": branches, "files": repr(files),
                                      "labels": repr(dataset.recordings.labels), "recipes": repr(tuning.RECIPES),
                                      "layout": LAYOUT})
        place = home.caches / "emotion-folds"
        others = sorted((folder for folder in place.glob("*/") if folder.name != fingerprint.hash),
                        key=lambda folder: -_changed(folder))
        for old in others[EXPERIMENTS - 1:]:
            shutil.rmtree(old, ignore_errors=True)
        return cls(place / fingerprint.hash)

    def load(self, feature: str, fold: Fold, seed: int, outputs: Wanted, compute: Callable[[], FoldPrediction]
             ) -> FoldPrediction:
        """The prediction of a fold, computed where less than is wanted is kept. StoreError: full, not_written."""
        split = Fingerprint.of({"train": repr(fold.train), "test": repr(fold.test)}).hash
        key, store = f"{feature}-{split}-{seed}", _FoldStore(self._folder, outputs)
        FeatureCache[str](store, lambda name: name).fill([key], lambda missing: (
            [Computed(name, name, compute())] for name in missing.items))
        prediction = store.get(key)
        assert prediction is not None
        return prediction


class _FoldStore:
    """A folder of folds by key, of which certain parts are wanted."""

    def __init__(self, folder: Path, outputs: Wanted) -> None:
        self._folder, self._wanted = folder, outputs

    def get(self, key: str) -> FoldPrediction | None:
        """The prediction of a fold; None where nothing is kept, or less than is wanted."""
        outputs = self._wanted
        try:
            with np.load(self._folder / f"{key}.npz") as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError):
            return None
        needed = {"lengths": outputs.curves, "vectors": outputs.vectors, "has_probe": outputs.probe}
        if any(is_needed and name not in arrays for name, is_needed in needed.items()):
            return None
        probe = {name.removeprefix("probe/"): array for name, array in arrays.items() if name.startswith("probe/")}
        return FoldPrediction(arrays["probabilities"], str(arrays["said"]), _curves(arrays) if outputs.curves else (),
                              probe if outputs.probe else None, arrays.get("vectors"))

    def present(self, keys: Iterable[str]) -> set[str]:
        """The keys whose fold is stored."""
        return {key for key in keys if self.get(key) is not None}

    @contextmanager
    def writer(self) -> Iterator["_FoldStore"]:
        """The store itself: every fold is on disk at once."""
        yield self

    def flush(self) -> None:
        """Nothing to do: every fold is on disk at once."""

    def add(self, key: str, prediction: FoldPrediction) -> None:
        """Keep a fold. StoreError ("full", "not_written"): those before it stay."""
        arrays = {"probabilities": prediction.probabilities, "said": np.array(prediction.chosen)}
        if prediction.curves:
            arrays |= {"lengths": np.array([len(times) for times, _unused in prediction.curves]),
                       "times": np.concatenate([times for times, _unused in prediction.curves]),
                       "shares": np.concatenate([shares for _unused, shares in prediction.curves])}
        if prediction.probe is not None:
            arrays |= {"has_probe": np.array(1),
                       **{f"probe/{name}": array for name, array in prediction.probe.items()}}
        if prediction.vectors is not None:
            arrays["vectors"] = prediction.vectors
        try:
            private_files.make_folder(self._folder)
            with private_files.replacing(self._folder / f"{key}.npz", private=False) as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        except OSError as error:
            kind = "full" if error.errno == 28 else "not_written"
            raise StoreError(_("What was learned could not be kept: {strerror}. The folds before it are kept; make "
                               "room, then run it again.").format(strerror=error.strerror or error), kind) from error


def _curves(arrays: dict[str, np.ndarray]) -> tuple[Curve, ...]:
    ends = np.cumsum(arrays["lengths"])
    return tuple((arrays["times"][start:end], arrays["shares"][start:end])
                 for start, end in zip([0, *ends[:-1]], ends, strict=True))


def _state(path: Path | None) -> Sequence[str | int]:
    """Identity of a file's content: changes when the file does."""
    try:
        status = (path or Path()).stat()
    except OSError:
        return (str(path),)
    return (str(path), status.st_size, status.st_mtime_ns)


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
