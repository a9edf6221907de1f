"""An explanation drawn as one picture: maps, words, voice and numbers; two cases side by side."""

from typing import TYPE_CHECKING

from brewclip_app.panels.inspect.branch_table import signed
from brewclip_app.panels.inspect.case import InspectCase
from brewclip_app.panels.inspect.parts import branch_rows
from brewclip_app.panels.inspect.state import InspectState

if TYPE_CHECKING:
    from PIL.Image import Image


def draw_explanation(state: InspectState, max_megapixels: float) -> "Image":
    """Draw the case, and the second one while two are compared. The first has its test results."""
    from PIL import Image

    cases = [state.case, state.second if state.comparing else None]
    drawn = [_draw_case(case, state, max_megapixels) for case in cases if case is not None]
    picture = Image.new("RGB", (sum(part.width for part in drawn), max(part.height for part in drawn)),
                      drawn[0].getpixel((0, 0)))
    left = 0
    for part in drawn:
        picture.paste(part, (left, 0))
        left += part.width
    return picture


def _draw_case(case: InspectCase, state: InspectState, max_megapixels: float) -> "Image":
    from core import images
    from core.explain.figure import FigureRow, figure
    from core.explain.methods import BY_NAME

    rows = [FigureRow(row.name, signed(row.share or 0.0) + (f", rank {row.rank}" if row.rank else ""))
            for row in branch_rows(case)]
    if case is state.case:
        rows += [FigureRow(f"Deletion / insertion, {BY_NAME[name].title}",
                           f"{results[state.tower].deletion:.3f} / {results[state.tower].insertion:.3f}")
                 for name, results in state.faithfulness.items() if state.tower in results]
    rows += [FigureRow("Map", BY_NAME[state.method].title), FigureRow("Model", case.explanation.model.title)]
    title = f"“{case.text or 'spoken query'}” → {case.path.name}"
    return figure(images.read(case.path, max_megapixels).rgb, case.explanation.placement,
                  case.maps(state.map_target, state.method), title, rows, case.waveform)
