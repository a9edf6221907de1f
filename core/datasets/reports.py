"""The report on a dataset: what was found, what is missing, what is broken. Every file's header is looked at."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.datasets.headers import picture_faults, recording_faults
from core.datasets.kinds import Detection, detect, kind_of, load
from core.datasets.problems import Problem, Problems
from core.datasets.records import Dataset
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

LOOKERS = 8  # threads that wait for the disk together
BATCH = 256  # files between two reports
HARMLESS = ("stereo",)


@dataclass(frozen=True)
class SplitCount:
    """Pictures and utterances that the lists name for a split, and the utterances whose files are there and fit."""

    name: str
    images: int
    utterances: int
    usable: int


@dataclass(frozen=True)
class DatasetReport:
    """All that is known of a dataset's folder before anything is computed from it."""

    kind: str
    title: str
    folder: Path
    notes: tuple[str, ...]
    splits: tuple[SplitCount, ...]
    problems: tuple[Problem, ...]


def report(dataset: Dataset, report: Report = silent) -> DatasetReport:
    """Look at the header of every picture and recording, and count; what `load` found wrong is in it too."""
    problems = Problems(dataset.problems)
    pictures = {image.path for image in dataset.images if image.path}
    recordings = {utterance.recording for utterance in dataset.utterances if utterance.recording}
    packed = _packed_names(dataset)
    total = len(pictures) + len(recordings)
    bad = set()
    for done, (path, faults) in enumerate(_look(pictures, recordings), 1):
        if done % BATCH == 0 or done == total:
            report(Progress(WorkStep.CHECKING_DATASET, done, total))
        for fault in faults:
            problems.add(fault, _name(path, dataset.folder, packed))
            if fault not in HARMLESS:
                bad.add(path)
    return DatasetReport(dataset.kind, kind_of(dataset.kind).title, dataset.folder, dataset.notes,
                         _count(dataset, bad), problems.found())


def inspect(folder: Path, kind: str = "", report: Report = silent, follow_links: bool = False) -> DatasetReport:
    """Detect, load and report in one go, with the evidence for the kind among the notes; DatasetError as `load`."""
    evidence = (_("Read as {title}, as asked.").format(title=kind_of(kind).title),) if kind else ()
    detection = Detection(kind, evidence) if kind else detect(folder, follow_links)
    result = _report(load(folder, detection.kind, report, follow_links), report)
    return replace(result, notes=(*detection.evidence, *result.notes))


_report = report  # `inspect` has an argument of that name


def _packed_names(dataset: Dataset) -> dict[Path, str]:
    """The ids of pictures and utterances whose files were unpacked elsewhere."""
    files = [*((image.path, image.image_id) for image in dataset.images),
             *((record.recording, record.utterance_id) for record in dataset.utterances)]
    return {path: own for path, own in files if path and not path.is_relative_to(dataset.folder)}


def _name(path: Path, folder: Path, packed: Mapping[Path, str]) -> str:
    return packed[path] if path in packed else path.relative_to(folder).as_posix()


def _look(pictures: Iterable[Path], recordings: Iterable[Path]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every file with its faults, by name; few files are under way at a time, so that a cancel is heard soon."""
    with ThreadPoolExecutor(LOOKERS) as pool:
        for look, paths in ((picture_faults, pictures), (recording_faults, recordings)):
            yield from _in_batches(pool, look, sorted(paths, key=str))


def _in_batches(pool: ThreadPoolExecutor, look: Callable[[Path], tuple[str, ...]],
                paths: list[Path]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        # By parts: handing over single files costs as much as looking at them.
        parts = [batch[first : first + BATCH // LOOKERS] for first in range(0, len(batch), BATCH // LOOKERS)]
        for part, faults in zip(parts, pool.map(lambda part: [look(path) for path in part], parts), strict=True):
            yield from zip(part, faults, strict=True)


def _count(dataset: Dataset, bad: set[Path]) -> tuple[SplitCount, ...]:
    images = Counter(image.split for image in dataset.images)
    utterances = Counter(utterance.split for utterance in dataset.utterances)
    shown = {image.image_id for image in dataset.images if image.path and image.path not in bad}
    usable = Counter(utterance.split for utterance in dataset.utterances
                     if utterance.recording and utterance.recording not in bad
                     and (not dataset.images or utterance.image_id in shown))
    return tuple(SplitCount(name, images[name], utterances[name], usable[name]) for name in dataset.splits)


def to_json(result: DatasetReport) -> dict[str, Any]:
    """The report as `brewclip dataset --json` prints it: kind, splits with counts, problems with examples."""
    return {
        "kind": result.kind,
        "splits": {split.name: {"images": split.images, "utterances": split.utterances} for split in result.splits},
        "problems": [{"what": problem.what, "count": problem.count, "examples": list(problem.examples)}
                     for problem in result.problems],
    }


def describe(result: DatasetReport) -> list[str]:
    """The report as lines for people."""
    lines = [_("{title} in {folder}").format(title=result.title, folder=result.folder),
             *(f"  {note}" for note in result.notes), "",
             f"{'split':<12}{'pictures':>10}{'utterances':>12}{'usable':>10}"]
    lines += [f"{split.name:<12}{split.images:>10}{split.utterances:>12}{split.usable:>10}" for split in result.splits]
    lines += ["", _("Nothing is wrong with it.") if not result.problems else _("What is not as it should be:")]
    for problem in result.problems:
        lines.append(f"  {problem.count:>7} {problem.what} ({problem.outcome})")
        lines.extend(f"          {example}" for example in problem.examples)
        if problem.count > len(problem.examples):
            lines.append(_("          and {count} more").format(count=problem.count - len(problem.examples)))
    return lines
