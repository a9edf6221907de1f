"""The report of a reproduction as PDF: landscape A4, tables that go on over pages with their headings repeated."""

import io
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from core.plots.style import COLOURS, clean
from core.reproduce.report_content import ReportCell, ReportFigure, ReportSection, ReportTable

LONGEST = 600  # characters of a cell: a row must fit on a page
MARGIN, LABEL, LEAST = 34.0, 100.0, 24.0  # points: page margins, columns of words, columns of figures at least
WIDEST, BACK = 13, "I→S"  # columns of a table that is not split; titles of one direction's figures
TINY, SMALL, TEXT = 5.8, 7.0, 8.5  # points of text: in wide tables, in others, outside


def as_pdf(title: str, content: tuple[ReportSection, ...]) -> bytes:
    """The report as PDF. Equal contents give equal bytes."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=landscape(A4), leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
                                 bottomMargin=MARGIN + 8, title=clean(title), author="BrewCLIP Explorer", invariant=1)
    story = [_paragraph(title, 16, bold=True, after=8)]
    for section in content:
        story += _section(section, document.width, document.height)

    def number(canvas: Any, _: Any) -> None:
        canvas.setFont(_fonts()[0], SMALL)
        canvas.setFillColor(COLOURS["quiet"])
        canvas.drawRightString(document.pagesize[0] - MARGIN, MARGIN - 10, str(canvas.getPageNumber()))

    document.build(story, onFirstPage=number, onLaterPages=number)
    return out.getvalue()


@cache
def _fonts() -> tuple[str, str]:
    """Names of the plain and the bold font, registered: DejaVu Sans, which has Latin, Greek, Cyrillic and Arabic."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in ("DejaVuSans", "DejaVuSans-Bold"):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    return "DejaVuSans", "DejaVuSans-Bold"


def _paragraph(text: str, points: float = TEXT, bold: bool = False, quiet: bool = False, right: bool = False,
               after: float = 2.0, beside: str = "") -> Any:
    """A paragraph of outside text: nothing in it is markup. `beside` stands small on a line of its own."""
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle("text", fontName=_fonts()[bold], fontSize=points, leading=1.25 * points, spaceAfter=after,
                           textColor=COLOURS["quiet" if quiet else "words"], alignment=TA_RIGHT if right else TA_LEFT,
                           splitLongWords=1)
    markup = escape(clean(text))
    if beside:
        markup += (f'<br/><font name="{_fonts()[0]}" size="{0.85 * points:.1f}" color="{COLOURS["quiet"]}">'
                   f"{escape(clean(beside))}</font>")
    return Paragraph(markup, style)


def _section(section: ReportSection, width: float, height: float) -> list[Any]:
    from reportlab.platypus import CondPageBreak, Spacer

    story = [CondPageBreak(90), Spacer(1, 10), _paragraph(section.title, 12, bold=True, after=4)]
    story += [_paragraph(sentence, after=4) for sentence in section.sentences]
    if section.facts:
        story.append(_table([[_paragraph(name, quiet=True), _paragraph(value[:LONGEST])]
                             for name, value in section.facts], [130, width - 130], 0))
    for grid in section.grids:
        for number, part in enumerate(_parts(grid)):
            story += _grid(part, width, first=not number)
    for picture in section.pictures:
        story += _picture(picture, width, height)
    return story + [_paragraph(command, SMALL, after=3) for command in section.commands]


def _parts(grid: ReportTable) -> list[ReportTable]:
    """A wide table as two, one for each direction of retrieval, both with the columns of words."""
    if len(grid.columns) <= WIDEST:
        return [grid]
    back = [column.title.startswith(BACK) for column in grid.columns]
    kept = [[number for number, column in enumerate(grid.columns) if not column.figures or back[number] is way]
            for way in (False, True)]
    return [replace(grid, columns=tuple(grid.columns[number] for number in numbers), notes=grid.notes if way else (),
                    rows=tuple(tuple(row[number] for number in numbers) for row in grid.rows))
            for way, numbers in enumerate(kept)]


def _grid(grid: ReportTable, width: float, first: bool) -> list[Any]:
    from reportlab.platypus import CondPageBreak, Spacer

    points = TINY if len(grid.columns) > WIDEST else SMALL
    heads = [[_paragraph(column.title, points, bold=True, quiet=True, right=column.figures)
              for column in grid.columns]]
    spans = []
    if any(column.group for column in grid.columns):
        heads.insert(0, [_paragraph(column.group if not number or grid.columns[number - 1].group != column.group
                                    else "", points, bold=True, quiet=True)
                         for number, column in enumerate(grid.columns)])
        spans = _spans([column.group for column in grid.columns])
    body = [[_cell(cell, points, column.figures) for cell, column in zip(row, grid.columns, strict=True)]
            for row in grid.rows]
    story: list[Any] = [CondPageBreak(70)]
    story += [_paragraph(grid.title, 9.5, bold=True)] if grid.title and first else []
    story += [_paragraph(grid.about, SMALL, quiet=True, after=4)] if grid.about and first else []
    story.append(_table(heads + body, _widths(grid, width), len(heads), spans))
    story += [_paragraph(note, TINY, quiet=True) for note in grid.notes]
    return [*story, Spacer(1, 8)]


def _cell(cell: ReportCell, points: float, figures: bool) -> Any:
    text = cell.text if len(cell.text) <= LONGEST else f"{cell.text[:LONGEST]}… (whole in report.html)"
    return _paragraph(text, points, bold=cell.best, right=figures, after=0, beside=cell.beside)


def _widths(grid: ReportTable, width: float) -> list[float]:
    """Widths of columns: figures what they need at most, words share the rest by the length of their texts."""
    words = [number for number, column in enumerate(grid.columns) if not column.figures]
    figures = len(grid.columns) - len(words)
    each = min(58.0, max(LEAST, (width - LABEL * len(words)) / figures)) if figures else 0.0
    lengths = {number: min(60, max([len(grid.columns[number].title),
                                    *(len(row[number].text) for row in grid.rows)])) + 4 for number in words}
    room = width - each * figures
    return [room * lengths[number] / sum(lengths.values()) if number in lengths else each
            for number in range(len(grid.columns))]


def _spans(names: list[str]) -> list[tuple[int, int]]:
    """First and last columns of each group of columns."""
    starts = [number for number, name in enumerate(names) if not number or names[number - 1] != name]
    return [(start, end - 1) for start, end in zip(starts, [*starts[1:], len(names)], strict=True)]


def _table(rows: list[list[Any]], widths: list[float], heads: int, spans: list[tuple[int, int]] | None = None) -> Any:
    from reportlab.platypus import LongTable, TableStyle

    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, COLOURS["line"]),
        *((side, (0, 0), (-1, -1), 2) for side in ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING"))]
    style += [("BACKGROUND", (0, 0), (-1, heads - 1), COLOURS["ground"])] if heads else []
    style += [("SPAN", (first, 0), (last, 0)) for first, last in spans or ()]
    style += [("LINEBEFORE", (first, 0), (first, -1), 0.4, COLOURS["line"]) for first, _ in (spans or ())[1:]]
    return LongTable(rows, colWidths=widths, repeatRows=heads, style=TableStyle(style), hAlign="LEFT")


def _picture(picture: ReportFigure, width: float, height: float) -> list[Any]:
    from PIL import Image as Pillow
    from reportlab.platypus import Image, KeepTogether

    if picture.print is None:
        return [_paragraph(f"{picture.title}: the file of this figure is missing.")]
    try:
        with Pillow.open(picture.print) as image:
            across, up = image.size
            dots = float(image.info.get("dpi", (300, 300))[0]) or 300.0
    except (OSError, ValueError):
        return [_paragraph(f"{picture.title}: the file of this figure cannot be read.")]
    scale = min(72 / dots, width / across, (height - 80) / up)
    return [KeepTogether([Image(str(picture.print), across * scale, up * scale, hAlign="LEFT"),
                          _paragraph(picture.title, SMALL, quiet=True, after=8, beside=picture.about[:4 * LONGEST])])]
