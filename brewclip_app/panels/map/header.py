"""Header of the Map panel: what the map is of and how it is drawn; below the map its legend."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QPushButton, QToolButton, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.map.colours import SIDE, number_icon
from brewclip_app.panels.map.state import SHOWN, MapState
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, label, panel_title, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.flow_layout import FlowLayout
from core.mapping.groups import NOTHING

ADD = "add"  # data of the entry that asks for a dataset's folder
CENTRE_TIP = (_("Subtract the mean of all pictures from the pictures, and that of all utterances from the utterances, "
                "so that the gap between the two is not shown"))
METHOD_TIP = _("UMAP keeps near points near; PCA is the plane of the largest variance. See docs/map.md")
QUERY_TIP = (_("On a PCA map its place is exact. On a UMAP map it is the mean of the 10 nearest points' places, near "
               "ones weighing more. Lines lead to its best pictures"))
METHODS = (("UMAP", "umap"), ("PCA", "pca"))


class MapHeader(QWidget):
    """Choices in two lines; `export` opens the menu of formats."""

    def __init__(self, export: QToolButton) -> None:
        super().__init__()
        self.sources = ElidedCombo(_("Gallery or dataset"), characters=14)
        self.shown = ElidedCombo(_("Points"), [(title, key) for key, title in SHOWN.items()], 9)
        self.groupings = ElidedCombo(_("Colour"), characters=9)
        self.methods = ElidedCombo(_("Method"), METHODS, 7)
        self.methods.setToolTip(plain_tip(METHOD_TIP))
        self.centre = QCheckBox(_("Centre each modality"))
        self.centre.setToolTip(plain_tip(CENTRE_TIP))
        self.hover = QCheckBox(_("Play under the pointer"))
        self.hover.setChecked(True)
        self.words = QLineEdit()
        self.words.setPlaceholderText(_("Show a query on the map"))
        self.words.setAccessibleName(_("Query on the map"))
        self.words.setToolTip(plain_tip(QUERY_TIP))
        self.words.setClearButtonEnabled(True)
        self.export = export
        first = row(panel_title(_("Map")), self.sources, self.shown, self.groupings, self.methods, export, space=10)
        for place, share in ((1, 3), (2, 2), (3, 2)):
            first.setStretch(place, share)
        second = row(self.words, self.centre, self.hover, space=14)
        second.setStretch(0, 1)
        self.setLayout(column(first, second, space=8))
        self._sources: object = None

    def render_state(self, state: MapState, before: MapState, with_datasets: bool) -> None:
        """Show the choices of another state."""
        if state.sources is not self._sources:
            self._sources = state.sources
            self.sources.clear()
            for source in state.sources or ():
                self.sources.addItem(as_shown(source.title), source)
            if with_datasets:
                self.sources.addItem(_("Add a dataset…"), ADD)
        at = next((place for place in range(self.sources.count()) if (source := self.sources.itemData(place)) != ADD
                   and state.source is not None and source.key == state.source.key), -1)
        self.sources.setCurrentIndex(at)
        points = state.points
        if points is not before.points:
            self.groupings.clear()
            for grouping in points.groupings if points is not None else ():
                self.groupings.addItem(_("Colour: {title}").format(title=grouping.title), grouping.key)
        self.groupings.setVisible(self.groupings.count() > 0)
        self.groupings.setCurrentIndex(max(0, self.groupings.findData(state.grouping)))
        both = points is not None and bool(points.spoken.any()) and not bool(points.spoken.all())
        self.shown.setVisible(both)
        self.centre.setVisible(both)
        self.hover.setVisible(points is not None and bool(points.spoken.any()))
        self.shown.setCurrentIndex(self.shown.findData(state.shown))
        self.methods.setCurrentIndex(self.methods.findData(state.method))
        self.centre.setChecked(state.centred)
        self.words.setEnabled(state.projection is not None)


class MapLegend(QWidget):
    """A button for each group that shows and hides it, and the signs of pictures and utterances."""

    toggled = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[QPushButton] = []
        self._flow = FlowLayout(self)
        self._groups: object = None
        self.signs = label("", "quiet")
        self._flow.addWidget(self.signs)
        theme.changed.connect(self._draw_icons)

    def render_state(self, state: MapState) -> None:
        """Show the groups of another state."""
        groups, points = state.groups, state.points
        if groups is not self._groups:
            self._groups = groups
            for old in self.buttons:
                self._flow.removeWidget(old)
                old.hide()
                old.deleteLater()
            self.buttons = []
            for number, (name, count) in enumerate(zip(groups.names, groups.counts(), strict=True) if groups else ()):
                entry = button(f"{name} · {count}", name="chip",
                               tip=_("Show or hide {name}. {note}").format(name=name, note=groups.note)
                               if groups else "")
                entry.setCheckable(True)
                entry.setChecked(True)
                entry.setIconSize(QSize(SIDE + 2, SIDE + 2))
                entry.setAccessibleName(_("{number}, {name}, {count} points").format(number=number + 1, name=name,
                                                                                     count=count))
                entry.clicked.connect(lambda shown, number=number: self.toggled.emit(number, shown))
                self._flow.addWidget(entry)
                self.buttons.append(entry)
            self._draw_icons()
            rest = int((groups.group_of == NOTHING).sum()) if groups else 0
            signs = _("● picture  ▲ utterance") if points is not None and points.spoken.any() else ""
            self.signs.setText("   ".join(filter(None,
                                                 [signs, _("grey: {rest} in no group").format(rest=rest) if rest
                                                  else ""])))
            self.signs.setVisible(bool(self.signs.text()))
        for number, entry in enumerate(self.buttons):
            entry.setChecked(number not in state.hidden)
            font = entry.font()
            font.setStrikeOut(number in state.hidden)
            entry.setFont(font)

    def _draw_icons(self) -> None:
        for number, entry in enumerate(self.buttons):
            entry.setIcon(number_icon(number, self.devicePixelRatioF()))
