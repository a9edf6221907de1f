"""The registry of the tests of annotation, and the core's functions with what they need of an explorer."""

from pathlib import Path

from core.annotation.agreement import Agreement, measure
from core.annotation.exports import ExportOptions, ExportResult, export
from core.annotation.imports import ImportResult, import_dataset
from core.annotation.takes import transcribe
from core.explorer import Explorer
from core.home import Home
from core.progress import Report, silent
from core.store.records import TakeRecord
from tests.fakes import CaptionModel, FakeRegistry


class TwoModels(FakeRegistry):
    """A model that counts words and a recogniser that says what it is told."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, CaptionModel())


def transcribe_take(explorer: Explorer, take: TakeRecord) -> TakeRecord:
    return transcribe(take, explorer.store, explorer.recogniser(), explorer.query_options())


def measure_takes(explorer: Explorer, takes: list[TakeRecord]) -> Agreement:
    return measure(takes, explorer.backbone)


def export_gallery(explorer: Explorer, gallery: str, folder: Path, options: ExportOptions = ExportOptions(),
                   report: Report = silent) -> ExportResult:
    return export(explorer.store, explorer.gallery(explorer.store.gallery(gallery)), folder, options, report)


def import_into(explorer: Explorer, folder: Path, gallery: str, report: Report = silent,
                follow_links: bool = False) -> ImportResult:
    return import_dataset(explorer.store, folder, gallery, explorer.index, report=report, follow_links=follow_links)
