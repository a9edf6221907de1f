"""Experiments that were done, a folder each: `run.json` for people and lists, `answers.npz` for what was said of each
recording and for the probes. A folder is written beside its place and then renamed: there are whole runs or none.
"""

import json
import os
import shutil
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import plain_json, private_files
from core.emotion.features import feature
from core.emotion.results import Acting, Answers, FeatureScore, FoldScore, Options, Result, to_json
from core.emotion.scores import Leak, Score
from core.errors import DatasetError, StoreError
from core.home import Home
from core.localisation import _

RUN, ANSWERS, TRIES = "run.json", "answers.npz", "tries"
FORMAT = 1
STAGED = "."  # what the names of unfinished folders begin with


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run on disk: its folder, when it was done (ISO 8601, local time), and what came out; `answers` are not read."""

    folder: Path
    when: str
    result: Result

    @property
    def name(self) -> str:
        """Names it among the runs."""
        return self.folder.name


class Runs:
    """The runs of a home."""

    def __init__(self, home: Home) -> None:
        self.folder = home.root / "probes"

    def keep(self, result: Result) -> KeptRun:
        """Write a run. StoreError ("full", "not_written"): then nothing of it is there."""
        when = datetime.now().astimezone().isoformat(timespec="seconds")
        name = f"{when[:19].replace(':', '-')}-{result.options.protocol}-{uuid.uuid4().hex[:4]}"
        staged = self.folder / f"{STAGED}{name}"
        try:
            private_files.make_folder(staged)
            _write(staged / RUN, json.dumps(_facts(result, when), indent=1, ensure_ascii=False).encode())
            with (staged / ANSWERS).open("wb") as file:
                private_files.inherit(staged / ANSWERS)
                np.savez(file, **_arrays(result))  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            staged.rename(self.folder / name)
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            kind = "full" if error.errno == 28 else "not_written"
            raise StoreError(_("The run could not be kept: {strerror}. What was heard is kept; make room, then run it "
                               "again.").format(strerror=error.strerror or error), kind) from error
        return KeptRun(self.folder / name, when, result)

    def all(self) -> list[KeptRun]:
        """The runs, newest first; a folder that is no whole run is passed over."""
        runs = []
        for folder in sorted(self.folder.glob("*/"), reverse=True):
            if not folder.name.startswith(STAGED):
                try:
                    runs.append(self.read(folder.name, answers=False))
                except StoreError:
                    continue
        return runs

    def read(self, name: str, answers: bool = True) -> KeptRun:
        """A run by name, with its answers where asked for. StoreError: no_run, damaged, newer."""
        folder = self.folder / name
        try:
            facts = plain_json.loads((folder / RUN).read_bytes())
            if facts["format"] > FORMAT:
                raise StoreError(_(
                    "The run {name} was kept by a later release. Update BrewCLIP Explorer to see it.").format(
                        name=name),
                                 "newer")
            datetime.fromisoformat(facts["when"])
            result = plain_json.checked(_result(facts))
            return KeptRun(folder, facts["when"], _with_answers(result, folder) if answers else result)
        except FileNotFoundError as error:
            raise StoreError(_("There is no run {name}.").format(name=name), "no_run") from error
        except (OSError, EOFError, DatasetError, zipfile.BadZipFile, zlib.error, *plain_json.DAMAGE) as error:
            raise StoreError(_("The run {name} is damaged and cannot be shown. Delete it, and run it again.").format(
                name=name),
                             "damaged") from error

    def delete(self, name: str) -> None:
        """Take a run away, with what was recorded for it. StoreError: no_run, not_written."""
        folder = self.folder / name
        if not name or Path(name).name != name or not folder.is_dir():
            raise StoreError(_("There is no run {name}.").format(name=name), "no_run")
        gone = self.folder / f"{STAGED}deleted-{name}"
        try:
            folder.rename(gone)
        except OSError as error:
            raise StoreError(_("The run {name} could not be deleted: {strerror}.").format(name=name,
                                                                                          strerror=error.strerror
                                                                                          or error),
                             "not_written") from error
        shutil.rmtree(gone, ignore_errors=True)


def _facts(result: Result, when: str) -> dict[str, Any]:
    summary = to_json(result)
    return {"format": FORMAT, "when": when, "options": result.options.to_json(), **summary,
            "learned_from": list(result.learned_from),
            "recordings": [{**asdict(acting), "path": str(acting.path)} for acting in result.recordings]}


def _result(facts: Mapping[str, Any]) -> Result:
    recordings = tuple(Acting(**{**entry, "path": Path(entry["path"])}) for entry in facts["recordings"])
    return Result(Options.from_json(facts["options"]), tuple(facts["classes"]), facts["train_files"],
                  facts["test_files"], facts["majority"], facts["chance"], facts["leaking"], facts["model"],
                  tuple(facts["notes"]), tuple(facts["learned_from"]),
                  tuple(_feature_score(entry) for entry in facts["results"]), recordings)


def _feature_score(stored: Mapping[str, Any]) -> FeatureScore:
    folds = tuple(FoldScore(entry["fold"], entry["seed"], entry["train"], entry["test"], _score(entry), entry["chosen"])
                  for entry in stored["folds"])
    spread = stored["spread"]["accuracy"], stored["spread"]["uar"]
    return FeatureScore(feature(stored["feature"]).key, stored["title"], _score(stored), spread,
                        tuple(tuple(row) for row in stored["confusion"]), stored["seeds"], folds,
                        {name: Leak(**entry) for name, entry in stored["leaks"].items()})


def _score(stored: Mapping[str, Any]) -> Score:
    return Score(stored["accuracy"], stored["uar"], stored["macro_f1"])


def _arrays(result: Result) -> dict[str, NDArray[Any]]:
    """Every array by `feature/name`; curves end to end, with their lengths."""
    arrays: dict[str, NDArray[Any]] = {}
    for key, answers in result.answers.items():
        curves = [curve for curve in answers.curves if curve is not None]
        lengths = [len(curve[0]) if curve is not None else 0 for curve in answers.curves]
        arrays |= {f"{key}/heard": answers.predicted, f"{key}/probabilities": answers.probabilities,
                   f"{key}/lengths": np.array(lengths),
                   f"{key}/times": np.concatenate([times for times, _unused in curves]),
                   f"{key}/curves": np.concatenate([shares for _unused, shares in curves]),
                   **{f"{key}/probe/{name}": array for name, array in answers.probe.items()}}
    return arrays


def _with_answers(result: Result, folder: Path) -> Result:
    with np.load(folder / ANSWERS) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return replace(result, answers={score.feature: _answers(found, f"{score.feature}/") for score in result.scores})


def _answers(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Answers:
    ends = np.cumsum(arrays[f"{prefix}lengths"])
    times, shares = arrays[f"{prefix}times"], arrays[f"{prefix}curves"]
    curves = tuple((times[start:end], shares[start:end]) if end > start else None
                   for start, end in zip([0, *ends[:-1]], ends, strict=True))
    probe = {name.removeprefix(f"{prefix}probe/"): array for name, array in arrays.items()
             if name.startswith(f"{prefix}probe/")}
    return Answers(arrays[f"{prefix}heard"], arrays[f"{prefix}probabilities"], curves, probe)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        private_files.inherit(path)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
