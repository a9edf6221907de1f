"""Export of plots and figures as PNG, SVG or PDF: a button with a menu, a file dialog, the drawing in a job."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from brewclip_app import tasks
from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import icon_button
from brewclip_app.widgets.file_dialogs import ask_target
from core.paper_figures.table import FIGURES, WER, PaperFigure
from core.plots.style import FORMATS, DrawnFigure, Width
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext

Draw = Callable[[Width, Report], DrawnFigure]
WIDTH_TITLES: tuple[tuple[Width, str], ...] = (("column", _("column width")), ("page", _("page width")))


class FigureExporter:
    """Exports of one panel or dialog; `say` shows where a figure was saved, or why it was not."""

    def __init__(self, context: "BaseContext", parent: QWidget, say: Callable[[str], object]) -> None:
        self._context, self._parent, self._say = context, parent, say

    def button(self, name: str, source: Callable[[], Draw | None]) -> QToolButton:
        """A button that exports a plot; `source` gives what draws it as it is now, None while there is nothing."""
        export = icon_button("download", _("Export the plot as PNG, SVG or PDF"))
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        export.setMenu(self.menu(name, source, export))
        return export

    def menu(self, name: str, source: Callable[[], Draw | None], parent: QWidget) -> QMenu:
        """The menu of such a button: formats and widths."""
        menu = QMenu(parent)
        for width, title in WIDTH_TITLES:
            for suffix in FORMATS:
                menu.addAction(f"{suffix[1:].upper()}, {title}…", partial(self._ask, f"{name}{suffix}", source, width))
            menu.addSeparator()
        menu.aboutToShow.connect(lambda: self._enable(menu, source() is not None))
        return menu

    def _enable(self, menu: QMenu, enabled: bool) -> None:
        """Enable or disable all actions: a menu that is disabled itself takes no Esc and gives no focus back."""
        for action in menu.actions():
            action.setEnabled(enabled)

    def paper_menu(self, parent: QWidget, evaluations: Callable[[], Sequence[int]],
                   queries: Callable[[], Sequence[str]] = tuple) -> QMenu:
        """A menu of the paper's figures, drawn from evaluations; `queries` are ids of utterances, none to draw some."""
        menu = QMenu(parent)
        for figure in FIGURES.values():
            title = (_("Figure {number}: {title}…").format(number=figure.number, title=figure.title)
                     if figure.number != WER else f"{as_shown(figure.title)}…")
            action = menu.addAction(title, partial(self._ask_paper, figure, evaluations, queries))
            menu.aboutToShow.connect(lambda action=action, figure=figure: action.setEnabled(
                figure.fewest <= len(evaluations()) <= figure.most))
        return menu

    def _ask_paper(self, figure: PaperFigure, evaluations: Callable[[], Sequence[int]],
                   queries: Callable[[], Sequence[str]]) -> None:
        ids, chosen, context = tuple(evaluations()), tuple(queries()), self._context

        def draw(width: Width, report: Report) -> DrawnFigure:
            from core.paper_figures import figures
            from core.paper_figures.queries import QueryChoice

            return figures.draw(context.explorer.workspace, figure.number, ids, QueryChoice(chosen), width=width,
                                report=report)

        self.ask(f"figure-{figure.number}.pdf", draw, figure.width)

    def ask(self, name: str, draw: Draw, width: Width) -> None:
        """Ask for a file, `name` being offered, and save the figure there."""
        ask_target(self._parent, "export", _("Save the figure as"), name,
                   lambda path: tasks.start(self.save(path, draw, width)))

    async def save(self, path: Path, draw: Draw, width: Width) -> None:
        """Draw and write a figure in a job; what came of it is said."""
        from core.plots import style

        def work(report: Report) -> None:
            style.check_target(path)
            drawn = draw(width, report)
            style.save(drawn.figure, path, drawn.caption)

        try:
            await self._context.jobs.run(_("Saving {name}").format(name=path.name), work, key=f"export:{path}")
        except JobCancelled:
            return
        except Exception as error:
            self._context.failed.emit(error, "")
        else:
            self._say(_("Saved as {path}.").format(path=path))

    def _ask(self, name: str, source: Callable[[], Draw | None], width: Width) -> None:
        draw = source()
        if draw is not None:
            self.ask(name, draw, width)
