"""Report of a reproduction: one self-contained page `report.html`, and `report.pdf` for print."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import __version__, private_files
from core.errors import ReproductionError
from core.reproduce.records import Reproduction
from core.reproduce.report_content import ReportColumn, ReportFigure, ReportSection, sections
from core.store.store import Store

if TYPE_CHECKING:
    from jinja2 import Environment

HTML, PDF = "report.html", "report.pdf"
TEMPLATE = "report_template.html"
KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report."""

    html: Path
    pdf: Path


def write_report(folder: Path, reproduction: Reproduction, store: Store) -> ReportFiles:
    """Write both files into the reproduction's folder, each whole or not at all, and return their paths.

    ReproductionError ("not_written"); StoreError.
    """
    from core.reproduce.report_pdf import as_pdf

    title, content = f"BrewCLIP reproduced: {reproduction.title}", sections(folder, reproduction, store)
    files = ReportFiles(folder / HTML, folder / PDF)
    try:
        private_files.write_atomically(files.html, as_html(title, content).encode())
        private_files.write_atomically(files.pdf, as_pdf(title, content))
    except OSError as error:
        raise ReproductionError(f"The report could not be written to {folder}: {error.strerror or error}. All results "
                                "are kept; make room, then repeat the command.", "not_written") from error
    return files


def as_html(title: str, content: tuple[ReportSection, ...]) -> str:
    """The page: everything is inside it, and it loads nothing from elsewhere."""
    page = _environment().get_template(TEMPLATE).render(title=title, sections=content, version=__version__)
    return page.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # names that are no text


def groups(columns: tuple[ReportColumn, ...]) -> list[tuple[str, int]]:
    """Titles of column groups with how many columns each spans; "" for columns without one."""
    spans: list[tuple[str, int]] = []
    for column in columns:
        if spans and spans[-1][0] == column.group:
            spans[-1] = (column.group, spans[-1][1] + 1)
        else:
            spans.append((column.group, 1))
    return spans


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)
    environment.globals["groups"] = groups
    environment.filters["data"] = _data
    return environment


def _data(picture: ReportFigure) -> str:
    """A figure's file as a data address; an SVG in an image element runs no scripts."""
    if picture.screen is None:
        return ""
    try:
        content = base64.b64encode(picture.screen.read_bytes()).decode()
    except OSError:
        return ""
    return f"data:{KINDS[picture.screen.suffix.lower()]};base64,{content}"
