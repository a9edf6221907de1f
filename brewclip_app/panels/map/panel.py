"""Map: pictures and spoken captions on a plane; they are selected with a lasso, and heard under the pointer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QMenu, QStackedWidget, QToolButton, QWidget

from brewclip_app import tasks, wording
from brewclip_app.capture.playback import Player, PlayerState
from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import Inspection, MapQuery, Panel
from brewclip_app.panels.map.controller import KEY, MapController
from brewclip_app.panels.map.header import ADD, MapHeader, MapLegend
from brewclip_app.panels.map.side import MapSide
from brewclip_app.panels.map.state import MapState
from brewclip_app.panels.map.view import TOOLS, MapView
from brewclip_app.plain_text import plain_tip
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.taking_away import TakeAway, Undo
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, EmptyState, ProgressRow, button, column, label, row
from brewclip_app.widgets.figure_export import Draw, FigureExporter
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.preview.overlay import PreviewActions, open_preview
from brewclip_app.widgets.preview.sequence import PictureSequence
from brewclip_app.widgets.reading_page import ReadingPage
from brewclip_app.widgets.splitters import restore_sizes, splitter
from core.inference.accelerators import has_torch
from core.plots.style import DrawnFigure, Width
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import ImageRecord

KEYS = [(_("Arrows"), _("The nearest point in that direction")), ("Enter", _("Open the point in Inspect")),
        ("Space", _("Play the utterance, or stop")), ("+ −", _("Zoom in, out")), ("Home", _("The whole map")),
        ("V", _("Preview the selected pictures, in their list; also with a double click on one")),
        ("L R M", _("A drag draws a lasso, a rectangle, or moves the map")), ("Ctrl+A", _("Select all that is shown")),
        ("Ctrl+F", _("Show a query on the map")), ("Ctrl+S", _("Save the map as PNG, SVG or PDF")),
        ("Ctrl+Z", _("Undo the latest change of pictures (tag, rating, removed, bin)")),
        ("Esc", _("Stop playing; clear the selection, then the query"))]


class MapPanel(Panel):
    """Renders the state of its controller."""

    key: ClassVar[str] = "map"
    title: ClassVar[str] = _("Map")
    icon: ClassVar[str] = "map"
    own_jobs = (KEY,)

    def __init__(self, context: "Context", player: Player | None = None) -> None:
        super().__init__(context)
        self.controller = MapController(context, self)
        self.player = player or Player(self)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.exporter = FigureExporter(context, self, lambda text: self.notice.setText(text))
        self._shown = MapState()
        self.away = TakeAway(context, self, self.controller.gallery)
        self._undo: list[Undo] = []  # of changes of pictures
        self._heard: tuple[int, Waveform] | None = None  # row of the utterance that was read last
        self._lay_out()
        self._connect()
        self._render(self.controller.state)

    # ---- life cycle

    def activated(self) -> None:
        self.controller.read_sources()

    def deactivated(self) -> None:
        self.player.stop()

    def closing(self) -> None:
        self.player.stop()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        """Take a query to show on the map of its gallery."""
        if isinstance(payload, MapQuery):
            self.controller.show_query(payload)

    def save_state(self) -> dict[str, Any]:
        return {**self.controller.to_json(), "hover": self.header.hover.isChecked(), "split": self.split.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        method = str(state.get("method", ""))
        self.controller.want(str(state.get("source", "")), method if method in ("umap", "pca") else "",
                             state.get("centred") is True, str(state.get("grouping", "")))
        self.header.hover.setChecked(state.get("hover") is not False)
        restore_sizes(self.split, state.get("split"))

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    # ---- parts

    def _lay_out(self) -> None:
        export = self.exporter.button(_("map"), self._drawing)
        export.setAccessibleName(_("Save the map"))
        self.header = MapHeader(export)
        self.view = MapView(self.thumbnails)
        self.legend = MapLegend()
        self.side = MapSide(self.thumbnails)
        self.progress = ProgressRow(_("Map"))
        self.notice = label("", "care", wrap=True)
        self.about = label("", "quiet")
        self.tools = QButtonGroup(self)
        tool_buttons = []
        for key, title in TOOLS.items():
            tool = QToolButton()
            tool.setText(title)
            tool.setCheckable(True)
            tool.setChecked(key == self.view.tool)
            tool.setProperty("tool", key)
            tool.setToolTip(plain_tip(f"{title} ({title[0]})"))
            self.tools.addButton(tool)
            tool_buttons.append(tool)
        self.whole = button(_("Whole map"), self.view.show_whole, "quiet-link", tip="Home")
        place = Card(margin=10)
        place.body.addLayout(row(*tool_buttons, self.whole, None, self.about))
        place.body.addWidget(self.view, 1)
        place.body.addWidget(self.legend)
        self.split = splitter(place, self.side, (820, 300), (1, 0))
        library, again = button(_("Open Library"), name="main"), button(_("Try again"), self.controller.build)
        library.clicked.connect(lambda: self.go_to.emit("library", None))
        self.empty = EmptyState("map", _("Nothing to map yet"),
                                _("Add pictures in Library. Their map shows which of them the model finds alike."),
                                library)
        self.no_map = EmptyState("map", _("No map"), " ", again)
        self.reading = ReadingPage("map", _("the galleries"), self.controller.read_sources)
        self.waiting = QWidget()
        self.pages = QStackedWidget()
        for page in (self.reading, self.empty, self.no_map, self.waiting, self.split):
            self.pages.addWidget(page)
        box = column(self.header, self.progress, self.notice, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(3, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        controller, header, view, side = self.controller, self.header, self.view, self.side
        controller.changed.connect(self._render)
        controller.failed.connect(self.failed)
        controller.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        header.sources.activated.connect(lambda _unused: self._choose())
        header.shown.activated.connect(lambda _unused: controller.show_modality(header.shown.currentData()))
        header.groupings.activated.connect(lambda _unused: controller.group_by(header.groupings.currentData()))
        header.methods.activated.connect(lambda _unused: controller.set_method(header.methods.currentData()))
        header.centre.clicked.connect(controller.set_centred)
        header.words.returnPressed.connect(lambda: controller.ask(header.words.text()))
        header.words.textChanged.connect(lambda text: controller.ask("") if not text else None)
        self.progress.cancelled.connect(controller.stop)
        self.legend.toggled.connect(controller.show_group)
        self.tools.buttonClicked.connect(lambda tool: self._use_tool(tool.property("tool")))
        view.outlined.connect(controller.select)
        view.current_changed.connect(self._show_point)
        view.rested.connect(lambda at: self._hear(at) if header.hover.isChecked() else None)
        view.activated.connect(self._inspect)
        side.grid.chosen.connect(view.go_to)
        side.grid.previewed.connect(self._preview)
        side.grid.menu_wanted.connect(self._open_menu)
        side.clear.clicked.connect(lambda: controller.select(None))
        side.pictures.clicked.connect(
            lambda: self._open_menu(side.pictures.mapToGlobal(side.pictures.rect().bottomLeft())))
        self.away.said.connect(lambda words, action, act: self._say(words))
        self.away.done.connect(self._keep_undo)
        side.play.clicked.connect(self._toggle_playing)
        side.inspect.clicked.connect(lambda: self._inspect(view.current))
        side.waveform.sought.connect(lambda seconds: self.player.play(self._heard[1], seconds) if self._heard else None)
        self.player.changed.connect(self._show_playing)
        self.context.galleries_changed.connect(lambda: controller.read_sources() if self.isVisible() else None)
        for keys, do in (("Ctrl+A", controller.select_all), ("Ctrl+F", header.words.setFocus),
                         ("Ctrl+S", header.export.click), ("Ctrl+Z", self._undo_latest)):
            add_shortcut(self, keys, do)

    # ---- rendering

    def _render(self, state: MapState) -> None:
        before, self._shown = self._shown, state
        self.header.render_state(state, before, has_torch())
        self.view.render_state(state)
        self.legend.render_state(state)
        self.side.render_state(state, before)
        self.progress.setVisible(state.progress is not None)
        if state.progress is not None:
            self.progress.about.setText(state.progress.detail)
            self.progress.set_progress(state.progress.done, state.progress.total)
        if state.notice != before.notice:
            self.notice.setText(state.notice)
        self.notice.setVisible(bool(self.notice.text()))
        self.no_map.sentence.setText(state.problem)
        page = (self.reading if state.sources is None else self.split if state.projection is not None
                else self.no_map if state.problem else self.empty if not state.sources else self.waiting)
        self.pages.setCurrentWidget(page)
        words = about_words(state)
        self.about.setText(words)
        if words != about_words(before):
            self.status_changed.emit(words)

    def _choose(self) -> None:
        chosen = self.header.sources.currentData()
        if chosen == ADD:
            self.header.render_state(self._shown, self._shown, has_torch())
            ask_folder(self, "dataset", _("Dataset folder"), self.controller.add_folder)
        else:
            self.controller.choose(chosen)

    def _use_tool(self, tool: str) -> None:
        self.view.set_tool(tool)
        for one in self.tools.buttons():
            one.setChecked(one.property("tool") == tool)

    def _show_point(self, at: int) -> None:
        if at >= 0 or not self.view.hasFocus():
            self.player.stop()
            self._heard = None
        self.side.show_point(self._shown.points, at)

    def _drawing(self) -> Draw | None:
        state = self._shown
        if state.points is None or state.projection is None:
            return None

        def draw(width: Width, report: Report) -> DrawnFigure:
            from core.mapping.figure import draw_map

            assert state.points is not None and state.projection is not None
            return draw_map(state.points, state.projection, state.groups, state.visible, width,
                            (state.query.label, state.query.position, state.query.hits) if state.query else None)

        return draw

    # ---- actions

    def _open_menu(self, at: QPoint) -> None:
        """Open the menu of actions on the selected pictures at a place on the screen."""
        if self._can_take_away():
            menu = QMenu(self)
            menu.aboutToHide.connect(menu.deleteLater)
            self.away.add_to_menu(menu, self.controller.selected_images(), {}, keys=False)
            menu.popup(at)

    def _can_take_away(self) -> bool:
        """Whether the selected pictures are a gallery's: those of a dataset are not changed from here."""
        points = self._shown.points
        return points is not None and bool(points.gallery) and bool(self.controller.selected_images())

    def _preview(self, row: int) -> None:
        """Show a selected picture over the window, and the other selected ones beside it."""
        points, selected = self._shown.points, self._shown.selected
        assert points is not None
        rows = [at for at in selected if points.items[at].image is not None]
        keys: dict[str, tuple[str, Callable[[ImageRecord], object]]] = {}
        if self._can_take_away():
            keys = {"Ctrl+C": (_("Copy the picture"), lambda image: self.away.copy([image])),
                    "Del": (_("Move to the bin"), lambda image: self.away.ask_bin([image]))}
        open_preview(self.context, self, PictureSequence(rows, lambda at: points.items[at].image), rows.index(row),
                     PreviewActions(self.view.go_to, keys))

    def _say(self, words: str) -> None:
        self.notice.setText(words)
        self.notice.setVisible(bool(words))

    def _keep_undo(self, words: str, undo: Undo) -> None:
        self._undo.append(undo)
        self._say(_("{words} Ctrl+Z undoes it.").format(words=words) if words else "")

    def _undo_latest(self) -> None:
        if self._undo:
            self._undo.pop()()
            self._say("")

    def _inspect(self, at: int) -> None:
        """Open a point in Inspect: a picture with the query or its own utterance, an utterance with its picture."""
        points, query = self._shown.points, self._shown.query
        if points is None or at < 0:
            return
        item, own = points.items[at], (points.pair_of == at).nonzero()[0]
        if points.spoken[at]:
            pair = points.items[points.pair_of[at]] if points.pair_of[at] >= 0 else None
            self.go_to.emit("inspect", Inspection(
                speech=item.recording, path=pair.image.path if pair is not None and pair.image else None,
                caption=item.text))
        elif item.image is not None:
            spoken = points.items[own[0]] if query is None and len(own) else None
            self.go_to.emit("inspect", Inspection(
                query.label if query is not None else "", spoken.recording if spoken is not None else None,
                path=item.image.path, gallery=points.gallery,
                image_id=item.image.id if points.gallery else None, caption=spoken.text if spoken else ""))

    # ---- playback

    def _hear(self, at: int) -> None:
        tasks.start(self._play(at))

    async def _play(self, at: int) -> None:
        """Read and play an utterance, if the pointer is still on it then."""
        points = self._shown.points
        recording = points.items[at].recording if points is not None and at >= 0 else None
        if recording is None:
            return
        waveform = await self.controller.read_recording(recording)
        if waveform is not None and self.view.current == at and self._shown.points is points:
            self._heard = at, waveform
            self.side.waveform.show_waveform(waveform)
            self.player.play(waveform)

    def _toggle_playing(self) -> None:
        if self.player.playing:
            self.player.stop()
        else:
            self._hear(self.view.current)

    def _show_playing(self, player: PlayerState) -> None:
        self.side.show_playing(player.seconds)
        if player.problem:
            self.notice.setText(player.problem)
            self.notice.show()

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        tools = {Qt.Key.Key_L: "lasso", Qt.Key.Key_R: "rectangle", Qt.Key.Key_M: "move"}
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and event.key() in tools:
            self._use_tool(tools[Qt.Key(event.key())])
        elif plain and event.key() == Qt.Key.Key_Space:
            self._toggle_playing()
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    def _leave(self) -> None:
        """End what is in front: playing, the selection, the query."""
        if self.player.playing:
            self.player.stop()
        elif self._shown.selected:
            self.controller.select(None)
        elif self._shown.query is not None:
            self.header.words.clear()
            self.controller.ask("")


def about_words(state: MapState) -> str:
    """ "UMAP of 1 000 pictures and 5 000 utterances · 4.1 s"; "" without a map."""
    points, projection = state.points, state.projection
    if points is None or projection is None:
        return ""
    spoken = int(points.spoken.sum())
    pictures = len(points) - spoken
    of = [wording.pictures(pictures) if pictures else "", _("{spoken} utterances").format(spoken=wording.count(spoken))
          if spoken else ""]
    parts = [_("{text} of {filter}").format(text="UMAP" if projection.method == "umap" else "PCA",
                                            filter=" and ".join(filter(None, of)))]
    if not points.spoken.any() and points.total > pictures:
        parts.append(_("evenly spaced of {total}").format(total=wording.count(points.total)))
    if projection.method == "pca":
        parts.append(_("{share:.0f} % of the variance").format(share=100 * projection.share))
    parts.append(wording.duration(projection.seconds) if projection.seconds else "cached")
    return " · ".join(parts)
