"""Faithfulness of the maps: deletion and insertion by method, computed in the background."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.inspect.branch_table import cell, make_grid, signed
from brewclip_app.panels.inspect.state import InspectState
from brewclip_app.widgets.common import Card, ProgressRow, button, clear, label, row, rule
from core.explain.methods import BY_NAME

if TYPE_CHECKING:
    from core.explain.faithfulness import Faithfulness
    from core.explain.methods import Method
    from core.explain.observation import Tower

TOWERS = {"picture": _("on the picture"), "words": _("on the transcript"), "sound": _("on the voice")}
ABOUT = (_("Deletion: mean score while the most relevant parts are removed first; low is good. Insertion: mean score "
           "while they are added first; high is good. A map that is no better than Random explains nothing."))


class TrustCard(Card):
    """Test results of each map (tower); while they are computed, their progress; else a button to begin."""

    def __init__(self, test: Callable[[], object], choose_tower: "Callable[[Tower], object]") -> None:
        super().__init__(margin=14, space=6)
        self._state = InspectState()
        self.towers = QComboBox()
        self.towers.setAccessibleName(_("Map that was tested"))
        self.towers.activated.connect(lambda: choose_tower(self.towers.currentData()))
        self.heading = label(_("Faithfulness of this map"), "heading")
        self.heading.setToolTip(ABOUT)
        self.progress = ProgressRow(_("Testing the maps"))
        self.again = button(_("Test the maps"), test)
        self._table = QWidget()
        self._table.setToolTip(ABOUT)
        self._grid = make_grid(self._table)
        self.body.addLayout(row(self.heading, None, self.towers))
        for part in (self._table, self.progress):
            self.body.addWidget(part)
        self.body.addLayout(row(self.again, None))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        theme.changed.connect(self._draw)
        self.render_state(self._state)

    def rows(self) -> "list[tuple[Method, Faithfulness]]":
        """The methods and their results on the shown tower."""
        return [(BY_NAME[name], results[self._state.tower]) for name, results in self._state.faithfulness.items()
                if self._state.tower in results]

    def render_state(self, state: InspectState) -> None:
        """Show progress, results or the button."""
        before, self._state = self._state, state
        done, testing = state.faithfulness, state.testing is not None
        if state.testing is not None:
            self.progress.set_progress(*state.testing)
        for part, shown in ((self._table, bool(done) and not testing), (self.progress, testing),
                            (self.again, not done and not testing)):
            part.setVisible(shown)
        if done is not before.faithfulness:
            self.towers.clear()
            for tower in dict.fromkeys(tower for results in done.values() for tower in results):
                self.towers.addItem(as_shown(TOWERS[tower]), tower)
        self.towers.setCurrentIndex(max(0, self.towers.findData(state.tower)))
        self.towers.setVisible(self.towers.count() > 1 and not testing)
        if (done, state.tower, state.method) != (before.faithfulness, before.tower, before.method):
            self._draw()

    def _draw(self) -> None:
        clear(self._grid)
        for column, text in enumerate((_("Method"), _("Deletion ↓"), _("Insertion ↑"))):
            self._grid.addWidget(cell(label(text, "quiet"), right=column > 0), 0, column)
        for line, (method, result) in enumerate(self.rows()):
            self._grid.addWidget(rule(), 1 + 2 * line, 0, 1, 3)
            for column, text in enumerate((method.title, signed(result.deletion), signed(result.insertion))):
                self._grid.addWidget(cell(label(text, "quiet-body" if method.baseline else ""), right=column > 0,
                                          main=method.name == self._state.method), 2 + 2 * line, column)
