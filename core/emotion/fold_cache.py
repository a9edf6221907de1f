"""Folds that were fine-tuned, a file each: a fine-tuning that was stopped or killed goes on with the next one.

They are known by all that decides them; a file is written beside its place and then renamed.
"""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core import private_files
from core.emotion import finetune as tuning
from core.emotion.dataset import ProbeDataset
from core.emotion.layer_cache import Floats
from core.emotion.probes import Curve, Kept
from core.emotion.protocols import Fold
from core.emotion.results import Options
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.home import Home

LAYOUT = 1
EXPERIMENTS = 4  # whose folds are kept; older ones go


@dataclass(frozen=True, eq=False)
class FoldAnswer:
    """What was said of the tested recordings of a fold: `probabilities` (k, classes), `curves` (k) or (), in words what
    was chosen. `probe` and `vectors` (n, d) where they are wanted of this fold.
    """

    probabilities: Floats
    said: str
    curves: tuple[Curve, ...] = ()
    probe: Kept | None = None
    vectors: Floats | None = None


class KeptFolds:
    """The folds of one experiment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, home: Home, options: Options, heard: ProbeDataset) -> "KeptFolds":
        """The place of an experiment's folds, those of long past ones taken away."""
        asked = {name: str(value) for name, value in asdict(options).items() if name not in ("features", "seeds")}
        branches = heard.branches.fingerprint(0) if heard.branches is not None else ""
        files = [_state(one.recording) for one in heard.acted.utterances]
        made = Fingerprint.of({**asked, "branches": branches, "files": repr(files), "labels": repr(heard.acted.labels),
                               "recipes": repr(tuning.RECIPES), "layout": LAYOUT})
        place = home.caches / "emotion-folds"
        known = sorted((each for each in place.glob("*/") if each.name != made.hash), key=lambda one: -_changed(one))
        for old in known[EXPERIMENTS - 1:]:
            shutil.rmtree(old, ignore_errors=True)
        return cls(place / made.hash)

    def get(self, feature: str, fold: Fold, seed: int, curves: bool, probe: bool, vectors: bool) -> FoldAnswer | None:
        """What is kept of a fold; None where there is nothing, or less than is wanted."""
        try:
            with np.load(self._path(feature, fold, seed)) as file:
                found = {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError):
            return None
        wanted = {"lengths": curves, "vectors": vectors, "has_probe": probe}
        if any(there and name not in found for name, there in wanted.items()):
            return None
        return FoldAnswer(found["probabilities"], str(found["said"]), _curves(found) if curves else (),
                          {name.removeprefix("probe/"): array for name, array in found.items()
                           if name.startswith("probe/")} if probe else None, found.get("vectors"))

    def keep(self, feature: str, fold: Fold, seed: int, answer: FoldAnswer) -> None:
        """Keep a fold. StoreError ("full", "not_written"): those before it stay."""
        arrays = {"probabilities": answer.probabilities, "said": np.array(answer.said)}
        if answer.curves:
            arrays |= {"lengths": np.array([len(times) for times, _ in answer.curves]),
                       "times": np.concatenate([times for times, _ in answer.curves]),
                       "shares": np.concatenate([shares for _, shares in answer.curves])}
        if answer.probe is not None:
            arrays |= {"has_probe": np.array(1), **{f"probe/{name}": each for name, each in answer.probe.items()}}
        if answer.vectors is not None:
            arrays["vectors"] = answer.vectors
        path = self._path(feature, fold, seed)
        try:
            private_files.make_folder(path.parent)
            with private_files.replacing(path, private=False) as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        except OSError as error:
            kind = "full" if error.errno == 28 else "not_written"
            raise StoreError(f"What was learned could not be kept: {error.strerror or error}. The folds before it are "
                             "kept; make room, then run it again.", kind) from error

    def _path(self, feature: str, fold: Fold, seed: int) -> Path:
        split = Fingerprint.of({"train": repr(fold.train), "test": repr(fold.test)}).hash
        return self._folder / f"{feature}-{split}-{seed}.npz"


def _curves(found: dict[str, np.ndarray]) -> tuple[Curve, ...]:
    ends = np.cumsum(found["lengths"])
    return tuple((found["times"][start:end], found["shares"][start:end])
                 for start, end in zip([0, *ends[:-1]], ends, strict=True))


def _state(path: Path | None) -> Sequence[str | int]:
    """What tells a file from another, or from itself after a change."""
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
