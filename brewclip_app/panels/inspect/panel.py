"""Inspect: one result taken apart. Which branch found it, where the model looked, and how far to trust that."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QStackedWidget

from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.playback import Player
from brewclip_app.panels.base import Inspection, Panel
from brewclip_app.panels.inspect.case import WAITING, InspectCase
from brewclip_app.panels.inspect.flow import InspectFlow
from brewclip_app.panels.inspect.head import InspectHead
from brewclip_app.panels.inspect.pages import ComparePage, EmptyPage, SinglePage
from brewclip_app.panels.inspect.rank_strip import RankStrip
from brewclip_app.panels.inspect.save import PictureSaver, explanation
from brewclip_app.panels.inspect.trust_card import TrustRow
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ProgressRow, column, label
from core.errors import BrewclipError
from core.explain.methods import BY_NAME

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.panels.inspect.case import Judged
    from core.audio import Waveform
    from core.explain.maps import Maps
    from core.explain.observation import Target
    from core.store.records import ImageRecord

MODEL_SETTINGS = ("vision.backbone", "vision.crop", "vision.model", "device", "weights.folder")
TRYING = "This map is tried out part by part; it comes in a moment."
KEYS = [("← →", "The picture before or after in the ranking"), ("M", "The next method of the map"),
        ("T", "The map of the next score: both, transcript, voice"), ("Space", "Play or stop the voice"),
        ("C", "Compare two pictures; Esc ends it"), ("0", "The slider back to the model's own sum"),
        ("Ctrl+L", "Edit the words; Enter: ranks and maps follow"), ("Ctrl+O", "Another recording"),
        ("Ctrl+P", "Another picture"), ("Ctrl+S", "Save the explanation as a picture"), ("Esc", "Stop")]


class InspectPanel(Panel):
    """Takes an `Inspection`, drops or typed words; every look is a job, and changing the map costs nothing."""

    key: ClassVar[str] = "inspect"
    title: ClassVar[str] = "Inspect"
    icon: ClassVar[str] = "inspect"

    def __init__(self, context: "Context", player: Player | None = None) -> None:
        super().__init__(context)
        self.setAcceptDrops(True)
        self.subject = Inspection()
        self.case: InspectCase | None = None
        self.second: InspectCase | None = None
        self._models = self._model_settings()
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.flow = InspectFlow(context, self)
        self.intake = Intake(context, self)
        self.saver = PictureSaver(context, self)
        self.player = player or Player(self)
        self.empty, self.single, self.compare = EmptyPage(), SinglePage(), ComparePage()
        self.strip = RankStrip(self.thumbnails)
        self._lay_out()
        self._connect()
        self._make_shortcuts()
        self._show_empty()

    # ---- the panel's life

    def activated(self) -> None:
        if self.case is not None and self._model_settings() != self._models:
            self._look(self.subject)

    def deactivated(self) -> None:
        self._stop_playing()

    def closing(self) -> None:
        self.player.stop()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        if isinstance(payload, Inspection):
            self.leave_compare()
            self._look(payload)
            self._say(payload.note)

    def shortcuts(self) -> list[tuple[str, str]]:
        return list(KEYS)

    def save_state(self) -> dict[str, Any]:
        return {"method": self.head.methods.currentData(), "target": self.head.targets.currentData(),
                "opacity": self.single.picture.opacity.value(), "split": self.single.sizes(),
                "map": self.single.trust.tower}

    def restore_state(self, state: dict[str, Any]) -> None:
        for box, name in ((self.head.methods, "method"), (self.head.targets, "target")):
            box.setCurrentIndex(max(0, box.findData(str(state.get(name, "")))))
        opacity, sizes = state.get("opacity"), state.get("split")
        if isinstance(opacity, int):
            self.single.picture.opacity.setValue(opacity)
        if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes):
            self.single.setSizes(sizes)

    # ---- wiring

    def _lay_out(self) -> None:
        self.head = InspectHead()
        self.notice = label("", "care", wrap=True)
        self.notice.hide()
        self.progress = ProgressRow("Taking it apart")
        self.progress.hide()
        self.pages = QStackedWidget()
        for page in (self.empty, self.single, self.compare):
            self.pages.addWidget(page)
        whole = column(self.head, self.notice, self.progress, self.pages, space=12)
        whole.setContentsMargins(20, 14, 20, 12)
        whole.setStretch(3, 1)
        self.setLayout(whole)
        self.single.add_below(self.strip)

    def _connect(self) -> None:
        flow, single, intake = self.flow, self.single, self.intake
        flow.began.connect(self._begin)
        flow.progressed.connect(self._show_progress)
        flow.ended.connect(self.progress.hide)
        flow.found.connect(self._take)
        flow.second_found.connect(self._take_second)
        flow.failed.connect(self._fail)
        flow.ranked.connect(self._take_ranks)
        flow.judging.connect(single.trust.show_progress)
        flow.judged.connect(self._take_judged)
        flow.unjudged.connect(single.trust.show_waiting)
        self.progress.cancelled.connect(flow.cancel)
        single.trust.cancelled.connect(flow.stop_judging)
        single.trust.wanted.connect(self._judge)
        single.words.accepted.connect(self._edit)
        single.words.words.left.connect(self.setFocus)
        single.branches.moved.connect(self._mix)
        single.picture.opacity_changed.connect(self.compare.set_opacity)
        single.voice.play_wanted.connect(self._play)
        single.voice.stop_wanted.connect(self._stop_playing)
        self.player.moved.connect(self._show_playing)
        self.player.finished.connect(self._stop_playing)
        self.player.failed.connect(self._cannot_play)
        self.strip.chosen.connect(self._choose)
        self.head.terms.activated.connect(self._choose_term)
        self.head.targets.currentIndexChanged.connect(self._turn_target)
        self.head.methods.currentIndexChanged.connect(self._show_maps)
        self.head.compare.clicked.connect(self._turn_compare)
        self.head.save.clicked.connect(self._save)
        self.empty.typed.connect(self.take_words)
        self.empty.recording_wanted.connect(intake.choose_recording)
        self.empty.picture_wanted.connect(intake.choose_picture)
        intake.voice.connect(lambda waveform, sign: self.take_voice(waveform))
        intake.picture.connect(lambda path, sign: self.take_picture(path))
        intake.words.connect(self.take_words)
        intake.folder.connect(lambda path: self._say("Drop a picture or a recording here, not a folder."))
        intake.problem.connect(self._say)
        self.saver.said.connect(self._say)
        self.context.settings_changed.connect(self._take_settings)

    def _make_shortcuts(self) -> None:
        for keys, do in (("Ctrl+O", self.intake.choose_recording), ("Ctrl+P", self.intake.choose_picture),
                         ("Ctrl+S", self._save), ("Ctrl+L", self._edit_words)):
            QShortcut(QKeySequence(keys), self, lambda do=do: do(),
                      context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---- what to take apart

    def take_words(self, text: str) -> None:
        """A typed query in place of the one before."""
        words = " ".join(text.split())
        if words:
            self._look(replace(self.subject, text=words, speech=None, waveform=None, caption="", terms=()))

    def take_voice(self, waveform: "Waveform") -> None:
        """A spoken query in place of the one before."""
        self._look(replace(self.subject, text="", speech=None, waveform=waveform, caption="", terms=()))

    def take_picture(self, path: Path) -> None:
        """A picture in place of the one before."""
        self._look(replace(self.subject, path=path, image_id=None))

    def _look(self, subject: Inspection) -> None:
        self._stop_playing()
        subject = subject if subject.gallery else replace(subject, gallery=self.context.gallery)
        self.subject = subject
        asks = bool(subject.text or subject.speech or subject.waveform)
        shows = subject.path is not None or subject.image_id is not None
        if asks and (shows or subject.gallery):
            self._say("")
            self._models = self._model_settings()
            self.flow.look(subject)
        else:
            self.case = None
            self._show_empty()

    def _choose(self, image: "ImageRecord") -> None:
        """A picture of the strip: the one to explain, or the second to compare with."""
        if self.case is None:
            return
        subject = replace(self.subject, path=image.path, image_id=image.id, caption="")
        if self.pages.currentWidget() is self.compare:
            self.flow.look_second(subject, self._tried_target())
        else:
            self._look(subject)

    def _edit(self, text: str) -> None:
        terms, at = self.subject.terms, self.subject.term
        edited = tuple(replace(each, text=text) if place == at else each for place, each in enumerate(terms))
        self._look(replace(self.subject, text=text, terms=edited))
        self.setFocus()

    def _choose_term(self, at: int) -> None:
        """Another term of the query, with the same picture."""
        asked = self.subject.terms[at]
        self._look(replace(self.subject, text=asked.text, speech=None, waveform=asked.waveform, caption="", term=at))
        self.setFocus()

    def _edit_words(self) -> None:
        if self.pages.currentWidget() is self.empty:
            self.empty.words.setFocus()
        else:
            self.leave_compare()
            self.single.words.words.setFocus()
            self.single.words.words.selectAll()

    # ---- what was found

    def _begin(self) -> None:
        self.progress.set_progress(0, 0)
        self.progress.show()

    def _show_progress(self, done: int, total: int, text: str) -> None:
        self.progress.about.setText(text)
        self.progress.set_progress(done, total)

    def _take(self, case: InspectCase) -> None:
        self.case, self.subject = case, case.subject
        if self.pages.currentWidget() is not self.compare:
            self.pages.setCurrentWidget(self.single)
        self.head.about.setText(f"“{case.text or 'spoken query'}” → {case.path.name}")
        self._enable()
        maps = self._maps(case)
        self.single.show_case(case, maps)
        if maps.method == WAITING:
            self._say(TRYING)
        self.single.trust.mark(self.head.method)
        self._rank()
        self._judge()
        if self.pages.currentWidget() is self.compare:
            self._show_compare()
        self.status_changed.emit(f"{case.path.name} · explained with {case.sight.lens.title}")

    def _take_second(self, case: InspectCase) -> None:
        self.second = case
        if self.case is not None and self.pages.currentWidget() is self.compare:
            self._show_compare()

    def _take_ranks(self, case: InspectCase, rows: tuple[Any, ...]) -> None:
        if case is self.case:
            self.strip.setVisible(bool(rows))
            self.strip.show_rows(rows, case.subject.image_id or -1)

    def _take_judged(self, case: InspectCase, target: str, found: "Judged") -> None:
        if case is not self.case or target != self._target():
            return
        towers = dict.fromkeys(tower for method in found.values() for tower in method)
        rows = {str(tower): tuple(TrustRow(name, BY_NAME[name].title, judged[tower].deletion, judged[tower].insertion,
                                      BY_NAME[name].baseline) for name, judged in found.items() if tower in judged)
                for tower in towers}
        self.single.trust.show_rows(rows)
        if BY_NAME[self.head.method].tried:
            self._show_maps()

    def _fail(self, error: BaseException) -> None:
        if self.case is not None:
            self.subject = self.case.subject  # what is shown stays
        if isinstance(error, BrewclipError):
            self._say(str(error))
        else:
            self.failed.emit(error, "")
        if self.case is None:
            self._show_empty()

    # ---- maps

    def _target(self) -> "Target":
        """The score that the maps explain; all of it where there is only one branch."""
        return self.head.target if self._has_both() else "fused"

    def _maps(self, case: InspectCase) -> "Maps":
        return case.maps(self._target(), self.head.method)

    def _show_maps(self) -> None:
        self.single.trust.mark(self.head.method)
        if self.case is None:
            return
        maps = self._maps(self.case)
        self.single.show_maps(self.case, maps)
        self._say(TRYING if maps.method == WAITING else "")
        if self.pages.currentWidget() is self.compare:
            self._show_compare()
            target = self._tried_target()
            if target is not None and self.second is not None and target not in self.second.tried:
                self.flow.look_second(self.second.subject, target)

    def _tried_target(self) -> "Target | None":
        """The target whose map takes long to draw, if such a method is chosen."""
        return self._target() if BY_NAME[self.head.method].tried else None

    def _turn_target(self) -> None:
        if self.case is not None:
            self._show_maps()
            self._judge()

    def _judge(self) -> None:
        if self.case is not None:
            self.flow.judge(self.case, self._target())

    def _mix(self, t: float) -> None:
        if self.case is not None:
            self.flow.rank(self.case, t)

    def _rank(self) -> None:
        if self.case is not None:
            self._mix(self.single.branches.mix.t if self._has_both() else 0.5)

    def _has_both(self) -> bool:
        return self.case is not None and {"text", "acoustic"} <= set(self.case.sight.observation.scores)

    def _next(self, box: QComboBox) -> None:
        if not box.isHidden():
            box.setCurrentIndex((box.currentIndex() + 1) % box.count())

    # ---- two side by side

    def _turn_compare(self) -> None:
        if self.pages.currentWidget() is self.compare or self.case is None:
            self.leave_compare()
            return
        self.head.compare.setChecked(True)
        self.second = None
        self.compare.add_below(self.strip)
        self.compare.set_opacity(self.single.picture.opacity.value())
        self.pages.setCurrentWidget(self.compare)
        self._show_compare()
        self._choose_rival()

    def leave_compare(self) -> None:
        """Back to one case."""
        self.head.compare.setChecked(False)
        if self.pages.currentWidget() is self.compare:
            self.single.add_below(self.strip)
            self.pages.setCurrentWidget(self.single)

    def _choose_rival(self) -> None:
        """The best other picture, to begin with."""
        own = self.subject.image_id
        rival = next((each.image for each in self.strip.neighbours.rows if each.image.id != own), None)
        if rival is not None:
            self._choose(rival)

    def _show_compare(self) -> None:
        if self.case is not None:
            self.compare.show_cases(self.case, self.second, self._target(), self.head.method)

    # ---- the voice

    def _play(self, seconds: float) -> None:
        if self.case is not None and self.case.waveform is not None:
            self.player.play(self.case.waveform, seconds)
            if self.player.playing:
                self._show_playing(seconds)

    def _stop_playing(self) -> None:
        self.player.stop()
        self._show_playing(None)

    def _show_playing(self, seconds: float | None) -> None:
        self.single.voice.show_playing(seconds)
        if self.case is not None:
            self.single.words.show_playing(self.case, seconds)

    def _cannot_play(self, why: str) -> None:
        self._show_playing(None)
        self._say(why)

    # ---- the rest

    def _save(self) -> None:
        if self.case is not None:
            cases = [self.case] + ([self.second] if self.second and self.pages.currentWidget() is self.compare else [])
            method, target = self.head.method, self._target()
            trust = {row.title: (row.deletion, row.insertion) for row in self.single.trust.rows()}
            limit = float(self.context.settings["images.max_megapixels"])
            self.saver.ask(lambda: explanation(cases, target, method, trust, limit), self.case.path.stem)

    def _say(self, text: str) -> None:
        self.notice.setText(text)
        self.notice.setVisible(bool(text))

    def _enable(self) -> None:
        """Only what this case has can be chosen."""
        ranked = self.case is not None and self.case.standing is not None
        self.head.enable(self.case is not None, self._has_both(), ranked)
        self.head.offer_terms([each.label for each in self.subject.terms] if self.case else [], self.subject.term)

    def _show_empty(self) -> None:
        self.leave_compare()
        self.head.about.setText("")
        self._enable()
        subject = self.subject
        self.empty.show_parts(subject.text or ("spoken" if subject.waveform or subject.speech else ""),
                              subject.path.name if subject.path else "", subject.gallery)
        self.pages.setCurrentWidget(self.empty)
        self.status_changed.emit("")

    def _model_settings(self) -> tuple[Any, ...]:
        return tuple(self.context.settings.changed.get(key) for key in MODEL_SETTINGS)

    def _take_settings(self) -> None:
        if self.isVisible() and self.case is not None and self._model_settings() != self._models:
            self._look(self.subject)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        acts = {Qt.Key.Key_Left: lambda: self.strip.step(-1), Qt.Key.Key_Right: lambda: self.strip.step(1),
                Qt.Key.Key_M: lambda: self._next(self.head.methods),
                Qt.Key.Key_T: lambda: self._next(self.head.targets),
                Qt.Key.Key_C: self._turn_compare, Qt.Key.Key_0: self.single.branches.mix.reset,
                Qt.Key.Key_Space: self._turn_play}
        act = acts.get(Qt.Key(event.key()))
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() == Qt.Key.Key_Escape:
            self._escape()
        elif act is not None and plain and self.case is not None:
            act()
        else:
            super().keyPressEvent(event)

    def _turn_play(self) -> None:
        if self.player.playing:
            self._stop_playing()
        else:
            self._play(0.0)

    def _escape(self) -> None:
        if self.player.playing:
            self._stop_playing()
        elif not self.flow.cancel():
            self.leave_compare()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.intake.wants(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.take_drop(event.mimeData())
        event.acceptProposedAction()

    def take_drop(self, data: QMimeData) -> None:
        """A picture and a recording that are dropped together are both taken."""
        from core.images import IMAGE_SUFFIXES

        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        shown = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
        voices = [path for path in paths if path not in shown and not path.is_dir()]
        if shown and voices:
            self.subject = replace(self.subject, path=shown[0], image_id=None)
            self.intake.read_voice(voices[0])
        else:
            self.intake.take(data)
