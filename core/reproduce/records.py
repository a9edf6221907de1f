"""Steps of a reproduction and their outcomes, kept as JSON in its folder. No torch here: window and report read them.

    reproduction.json   the `Reproduction`
    runs/KEY/           training runs
    emotion/KEY.json    results of emotion experiments, as `brewclip emotion --json` prints them
    figures/, tables/   what those steps wrote
"""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core import plain_json, private_files
from core.errors import ReproductionError
from core.evaluation.records import EvaluationRecord
from core.localisation import _

Kind = Literal["prepare", "train", "evaluate", "emotion", "figure", "table"]
State = Literal["waiting", "running", "done", "failed", "skipped"]
FILE, RUNS, EMOTION, FIGURES, TABLES = "reproduction.json", "runs", "emotion", "figures", "tables"
FORMAT = 1


@dataclass(frozen=True)
class PlanStep:
    """One step of a plan. `key` is its name and a digest of all that decides its outcome.

    `needs` are keys of the steps that come before it; `command` does the same by hand, "" where there is none (of a
    figure it is known once the figure is drawn); `number` is that of the paper's table or figure; `nbytes` and
    `seconds` are estimates, None where nothing was measured.
    """

    key: str
    title: str
    kind: Kind
    needs: tuple[str, ...] = ()
    command: str = ""
    seed: int | None = None
    number: int | None = None
    nbytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class StepRecord:
    """Outcome of a step.

    `began` is ISO 8601 in local time, "" before; `seconds` is what it took, over all tries. `message` says why it
    failed or was skipped. `outputs` are paths relative to the reproduction's folder, `evaluations` ids in the home's
    store, `run` is the relative path of a training run. `reused`: nothing was computed, the outcome was there.
    """

    step: PlanStep
    state: State = "waiting"
    began: str = ""
    seconds: float = 0.0
    message: str = ""
    outputs: tuple[str, ...] = ()
    evaluations: tuple[int, ...] = ()
    run: str = ""
    reused: bool = False


@dataclass(frozen=True)
class Reproduction:
    """A plan with the records of its steps, in the order in which they are done.

    `datasets` are folders by kind; `model` is the backbone; `preset` that of training; `environment` names versions,
    processors and GPUs; `deviations` are sentences. `home` is the folder whose store has the evaluations;
    `follow_links`: links out of the datasets' folders were followed.
    """

    plan: str
    title: str
    records: tuple[StepRecord, ...]
    datasets: Mapping[str, str]
    model: str
    preset: str
    seeds: tuple[int, ...]
    home: str
    began: str
    environment: Mapping[str, str] = field(default_factory=dict)
    deviations: tuple[str, ...] = ()
    ended: str = ""
    follow_links: bool = False

    def record(self, key: str) -> StepRecord:
        """The record of a step. KeyError."""
        return {record.step.key: record for record in self.records}[key]

    def with_record(self, changed: StepRecord) -> "Reproduction":
        """The same with another record of one step."""
        return replace(self, records=tuple(changed if record.step.key == changed.step.key else record
                                           for record in self.records))

    def of_kind(self, kind: Kind) -> tuple[StepRecord, ...]:
        """The records of steps of one kind."""
        return tuple(record for record in self.records if record.step.kind == kind)

    def save(self, folder: Path) -> None:
        """Write it into its folder, atomically, readable by its owner alone. ReproductionError ("not_written")."""
        try:
            private_files.make_folder(folder)
            private_files.write_atomically(
                folder / FILE, json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode())
        except OSError as error:
            raise ReproductionError(_("The state of the reproduction could not be written: {strerror}. Finished steps "
                                      "are kept; make room, then repeat the command.").format(strerror=error.strerror
                                                                                              or error),
                                    "not_written") from error


def load(folder: Path) -> Reproduction:
    """The reproduction of a folder. ReproductionError: none, damaged, newer."""
    try:
        facts = plain_json.read_object(folder / FILE)
        if facts.pop("format") > FORMAT:
            raise ReproductionError(_("{folder} was written by a later release. Update BrewCLIP Explorer to continue "
                                      "it.").format(folder=folder), "newer")
        return plain_json.checked(Reproduction(**{
            **facts, "records": tuple(_record(entry) for entry in facts["records"]), "seeds": tuple(facts["seeds"]),
            "deviations": tuple(facts["deviations"])}))
    except FileNotFoundError as error:
        raise ReproductionError(_("There is no reproduction in {folder}.").format(folder=folder), "none") from error
    except (OSError, *plain_json.DAMAGE) as error:
        raise ReproductionError(_("{folder} is damaged. Runs and evaluations are kept; delete this file and repeat "
                                  "the command: what is done is found again.").format(folder=folder / FILE),
                                "damaged") from error


def _record(entry: Mapping[str, Any]) -> StepRecord:
    step = PlanStep(**{**entry["step"], "needs": tuple(entry["step"]["needs"])})
    return StepRecord(**{**entry, "step": step, "outputs": tuple(entry["outputs"]),
                         "evaluations": tuple(entry["evaluations"])})


def with_imported(records: Iterable[EvaluationRecord], ids: Container[int]) -> list[EvaluationRecord]:
    """Evaluations of these ids, and those of imported embeddings on the same splits: rows of other methods."""
    everything = list(records)
    splits = {(record.setup.folder, record.setup.split) for record in everything if record.id in ids}
    return [record for record in everything if record.id in ids or (
        record.setup.is_imported and (record.setup.folder, record.setup.split) in splits)]
