"""Inspect: explains one result. Which branch found it, which parts of picture, words and voice matter, and how sure."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QMenu, QStackedWidget

from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.playback import Player, PlayerState
from brewclip_app.localisation import _
from brewclip_app.panels.base import Inspection, Panel
from brewclip_app.panels.inspect.case import PENDING
from brewclip_app.panels.inspect.controller import InspectController
from brewclip_app.panels.inspect.drawings import explanation_drawing, mix_drawing, ranking_drawing
from brewclip_app.panels.inspect.head import InspectHead
from brewclip_app.panels.inspect.pages import ComparePage, EmptyPage, SinglePage
from brewclip_app.panels.inspect.rank_strip import RankStrip
from brewclip_app.panels.inspect.state import InspectState
from brewclip_app.panels.inspect.trust_card import TrustCard
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ProgressRow, button, column, label
from brewclip_app.widgets.figure_export import Draw, FigureExporter
from brewclip_app.widgets.preview.overlay import open_preview
from brewclip_app.widgets.preview.sequence import sequence_of_files
from brewclip_app.widgets.splitters import restore_sizes

if TYPE_CHECKING:
    from brewclip_app.context import Context

PENDING_MAP = _("This map is still being computed.")
KEYS = [("← →", _("The picture before or after in the ranking")), ("M", _("The next method of the map")),
        ("T", _("The map of the next score: total, transcript, voice")), ("Space", _("Play or stop the voice")),
        ("C", _("Compare two pictures; Esc ends it")), ("0", _("Reset the slider to the model's own sum")),
        ("Ctrl+L", _("Edit the words; Enter updates ranks and maps")), ("Ctrl+O", _("Another recording")),
        ("Ctrl+P", _("Another picture")), ("V", _("Preview of the picture; also with a double click")),
        ("Ctrl+S", _("Save the explanation as PNG, SVG or PDF")), ("Esc", _("Stop"))]


class InspectPanel(Panel):
    """Takes an `Inspection`, drops or typed words, and renders the state of its controller."""

    key: ClassVar[str] = "inspect"
    title: ClassVar[str] = _("Inspect")
    icon: ClassVar[str] = "inspect"

    def __init__(self, context: "Context", player: Player | None = None) -> None:
        super().__init__(context)
        self.setAcceptDrops(True)
        self.controller = InspectController(context, self)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.intake = Intake(
            context, self, recording=lambda waveform, sign: self.controller.set_waveform(waveform),
            image=lambda path, sign: self.controller.set_picture(path),
            text=lambda text: self.controller.set_text(text), problem=lambda text: self.controller.notify(text),
            folder=lambda path: self.controller.notify(_("Drop a picture or a recording here, not a folder.")))
        self.player = player or Player(self)
        self.exporter = FigureExporter(context, self, self.controller.notify)
        self._shown = InspectState()
        self._lay_out()
        self._connect()
        self._make_shortcuts()
        self._render(self.controller.state)

    # ---- life cycle

    def activated(self) -> None:
        self.controller.apply_settings()

    def deactivated(self) -> None:
        self.player.stop()

    def closing(self) -> None:
        self.player.stop()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        if isinstance(payload, Inspection):
            self.controller.leave_compare()
            self.controller.explain(payload, payload.note)

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        state = self.controller.state
        return {"method": state.method, "target": state.target, "map": state.tower,
                "opacity": self.single.picture.opacity.value(), "split": self.single.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        for box, name in ((self.head.methods, "method"), (self.head.targets, "target")):
            box.setCurrentIndex(max(0, box.findData(str(state.get(name, "")))))
        opacity, tower = state.get("opacity"), state.get("map")
        if tower in ("picture", "words", "sound"):
            self.controller.choose_tower(tower)
        if isinstance(opacity, int):
            self.single.picture.opacity.setValue(opacity)
        restore_sizes(self.single, state.get("split"))

    # ---- parts

    def _lay_out(self) -> None:
        self.head = InspectHead()
        self.notice = label("", "care", wrap=True)
        self.progress = ProgressRow(_("Explaining"))
        self.empty = EmptyPage(self.controller.set_text, button(_("Choose a recording…"), self.intake.choose_recording),
                               button(_("Choose a picture…"), self.intake.choose_picture))
        self.single = SinglePage(TrustCard(self.controller.test_maps, self.controller.choose_tower))
        self.compare = ComparePage()
        self.strip = RankStrip(self.thumbnails)
        self.pages = QStackedWidget()
        for page in (self.empty, self.single, self.compare):
            self.pages.addWidget(page)
        layout = column(self.head, self.notice, self.progress, self.pages, space=12)
        layout.setContentsMargins(20, 16, 20, 12)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.single.add_below(self.strip)

    def _connect(self) -> None:
        controller, single = self.controller, self.single
        controller.changed.connect(self._render)
        controller.failed.connect(self.failed)
        self.progress.cancelled.connect(controller.stop)
        single.trust.progress.cancelled.connect(controller.stop_testing)
        single.words.words.accepted.connect(self._edit)
        single.words.words.left.connect(self.setFocus)
        single.branches.mix.moved.connect(controller.set_mix)
        single.picture.opacity.valueChanged.connect(self.compare.set_opacity)
        single.voice.voice.sought.connect(self._play)
        for at, card in enumerate((single.picture, self.compare.first.picture, self.compare.second.picture)):
            card.picture.activated.connect(partial(self._preview, 1 if at == 2 else 0))
        single.voice.play.clicked.connect(self._toggle_playing)
        self.player.changed.connect(self._show_playing)
        self.strip.chosen.connect(controller.choose)
        self.head.terms.activated.connect(self._choose_term)
        for box in (self.head.targets, self.head.methods):
            box.currentIndexChanged.connect(lambda: controller.choose_map(self.head.target, self.head.method))
        self.head.compare.clicked.connect(controller.compare)
        self.head.export.setMenu(self._export_menu())
        self.context.settings_changed.connect(lambda: controller.apply_settings() if self.isVisible() else None)

    def _make_shortcuts(self) -> None:
        for keys, do in (("Ctrl+O", self.intake.choose_recording), ("Ctrl+P", self.intake.choose_picture),
                         ("Ctrl+S", self._save), ("Ctrl+L", self._edit_words)):
            add_shortcut(self, keys, do)

    # ---- rendering

    def _render(self, state: InspectState) -> None:
        before, self._shown = self._shown, state
        if state.subject is not before.subject:
            self.player.stop()
        self.progress.setVisible(state.progress is not None)
        if state.progress is not None:
            self.progress.about.setText(state.progress.title)
            self.progress.set_progress(*state.progress.bar)
        self.head.render_state(state)
        self._render_page(state, before)
        self.single.trust.render_state(state)
        if state.neighbours is not before.neighbours:
            self.strip.show_rows(state.neighbours, state.case.subject.image_id or -1 if state.case else -1)
        self.strip.setVisible(bool(state.neighbours))
        pending = state.case is not None and self._maps.method == PENDING
        self.notice.setText(state.notice or (PENDING_MAP if pending else ""))
        self.notice.setVisible(bool(self.notice.text()))

    def _render_page(self, state: InspectState, before: InspectState) -> None:
        page = self.compare if state.comparing else self.single
        if state.comparing != before.comparing:
            page.add_below(self.strip)
        self.pages.setCurrentWidget(page if state.case is not None else self.empty)
        self.empty.show_subject(state.subject)
        if state.case is not before.case:
            self.status_changed.emit(_("{name} · explained with {title}").format(
                name=state.case.path.name, title=state.case.explanation.model.title)
                                     if state.case else "")
        if state.case is None:
            return
        if state.case is not before.case:
            self.single.branches.show_case(state.case)
        map_changed = (state.case, state.map_target, state.method) != (before.case, before.map_target, before.method)
        if map_changed:
            self._maps = state.case.maps(state.map_target, state.method)
            self.single.show_maps(state.case, self._maps)
        if state.comparing and (map_changed or not before.comparing or state.second is not before.second
                                or state.mix != before.mix):
            second, maps = state.second, None
            if second is not None:
                maps = second.maps(state.map_target, state.method)
            self.compare.first.show_case(state.case, self._maps, state.mix)
            self.compare.second.show_case(second, maps, state.mix)

    # ---- actions

    def _edit(self, text: str) -> None:
        self.controller.edit(text)
        self.setFocus()

    def _choose_term(self, at: int) -> None:
        self.controller.choose_term(at)
        self.setFocus()

    def _edit_words(self) -> None:
        if self._shown.case is None:
            self.empty.words.setFocus()
        else:
            self.controller.leave_compare()
            self.single.words.words.setFocus()
            self.single.words.words.selectAll()

    def _next(self, box: QComboBox) -> None:
        if not box.isHidden():
            box.setCurrentIndex((box.currentIndex() + 1) % box.count())

    def _export_menu(self) -> QMenu:
        """Formats and widths of each drawing."""
        menu = QMenu(self.head.export)
        for title, name, source in ((_("Explanation"), "explanation", self._explanation),
                                    (_("Ranks along the mix"), "mix", lambda: mix_drawing(self._shown)),
                                    (_("Pictures by rank"), "ranking", lambda: ranking_drawing(self._shown))):
            part = self.exporter.menu(name, source, menu)
            part.setTitle(title)
            menu.addMenu(part)
        return menu

    def _explanation(self) -> Draw | None:
        return explanation_drawing(self._shown, float(self.context.settings["images.max_megapixels"]))

    def _save(self) -> None:
        draw = self._explanation()
        if draw is not None and self._shown.case is not None:
            self.exporter.ask(_("{stem} explained.png").format(stem=self._shown.case.path.stem), draw, "page")

    # ---- playback

    def _play(self, seconds: float) -> None:
        case = self._shown.case
        if case is not None and case.waveform is not None:
            self.player.play(case.waveform, seconds)

    def _toggle_playing(self) -> None:
        self.player.toggle(self._shown.case.waveform if self._shown.case is not None else None)

    def _show_playing(self, player: PlayerState) -> None:
        self.single.voice.show_playing(player.seconds)
        if self._shown.case is not None:
            self.single.words.show_playing(self._shown.case, player.seconds)
        if player.problem:
            self.controller.notify(player.problem)

    def _preview(self, front: int = 0) -> None:
        """Show the picture over the window, or one of the two that are compared."""
        state = self._shown
        paths = [case.path for case in (state.case, state.second if state.comparing else None) if case is not None]
        if front < len(paths):
            open_preview(self.context, self, sequence_of_files(paths), front)

    # ---- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        acts = {Qt.Key.Key_Left: lambda: self.strip.step(-1), Qt.Key.Key_Right: lambda: self.strip.step(1),
                Qt.Key.Key_M: lambda: self._next(self.head.methods),
                Qt.Key.Key_T: lambda: self._next(self.head.targets),
                Qt.Key.Key_C: self.controller.compare, Qt.Key.Key_0: self.single.branches.mix.reset,
                Qt.Key.Key_Space: self._toggle_playing, Qt.Key.Key_V: self._preview}
        act = acts.get(Qt.Key(event.key()))
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() == Qt.Key.Key_Escape:
            if self.player.playing:
                self.player.stop()
            elif not self.controller.stop():
                self.controller.leave_compare()
        elif act is not None and plain and self._shown.case is not None:
            act()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.intake.wants(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.handle_drop(event.mimeData())
        event.acceptProposedAction()

    def handle_drop(self, data: QMimeData) -> None:
        """Take a drop: a picture and a recording that are dropped together are both taken."""
        from core.images import IMAGE_SUFFIXES

        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        pictures = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
        recordings = [path for path in paths if path not in pictures and not path.is_dir()]
        if pictures and recordings:
            self.controller.prepare_picture(pictures[0])
            self.intake.read_recording(recordings[0])
        else:
            self.intake.take(data)
