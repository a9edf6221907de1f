"""Train: a dataset and a recipe on the left, the runs and their curves on the right."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from brewclip_app import tasks
from brewclip_app.capture.file_intake import folders_of
from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import Panel
from brewclip_app.panels.train.compare import CompareDialog
from brewclip_app.panels.train.controller import TrainController, TrainState
from brewclip_app.panels.train.curves import CurveCard, choices
from brewclip_app.panels.train.dataset import DatasetChoice
from brewclip_app.panels.train.form import TrainForm
from brewclip_app.panels.train.live import LiveCard
from brewclip_app.panels.train.runs import TrainRunsCard
from brewclip_app.services.downloads import DownloadsState
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import EmptyState, button, column, panel_title, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.figure_export import FigureExporter
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.reading_page import ReadingPage
from brewclip_app.widgets.splitters import restore_sizes, splitter

if TYPE_CHECKING:
    from brewclip_app.context import Context

LOOK_MS = 3000  # interval of reading runs that others began or ended, while the panel is in front
KINDS = (_("Flickr8k, SpokenCOCO, Localized Narratives, Hugging Face, BEIR, webdataset, Lhotse, or any folder with "
           "pictures, recordings and a list that pairs them"))


class TrainPanel(Panel):
    """Renders the state of its controller."""

    key: ClassVar[str] = "train"
    title: ClassVar[str] = _("Train")
    icon: ClassVar[str] = "train"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.training = context.training
        self.controller = TrainController(context, self)
        self.dataset = DatasetChoice(self.controller)
        self.form = TrainForm(self.controller.set_form)
        self.live = LiveCard()
        exporter = FigureExporter(context, self, self.status_changed.emit)
        self.loss = CurveCard(choices("step"), "parts", exporter)
        self.dev = CurveCard(choices("dev"), "score", exporter)
        self.runs = TrainRunsCard(_is_panel("evaluate"), self.controller.choose_run, self.controller.tick)
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self.training.reload)
        self._shown = TrainState()
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._show_backbones(context.downloads.state)
        self._render(self.controller.state)
        self.training.reload()

    # ---- life cycle

    def activated(self) -> None:
        self.training.reload()
        self.context.downloads.refresh()
        tasks.start(self.controller.find_devices())
        self._clock.start()
        self._show_status(self.controller.state)

    def deactivated(self) -> None:
        self._clock.stop()

    def receive(self, payload: object) -> None:
        """Train on a folder."""
        if isinstance(payload, Path) and payload.is_dir():
            self.controller.choose_folder(payload)

    def save_state(self) -> dict[str, Any]:
        state = self.controller.state
        return {"folder": str(state.folder or ""), "kind": state.kind, "follow_links": state.follow_links,
                "values": self.form.values(), "device": self.form.device.currentData(), "fold": self.form.is_open,
                "split": self.split.sizes(), "tall": self.tall.sizes(), "curves": [self.loss.key, self.dev.key],
                "run": str(state.run.path) if state.run else "",
                "ticked": [str(run.path) for run in state.ticked_runs]}

    def restore_state(self, state: dict[str, Any]) -> None:
        for split, key in ((self.split, "split"), (self.tall, "tall")):
            restore_sizes(split, state.get(key))
        for card, key in zip((self.loss, self.dev), state.get("curves") or (), strict=False):
            card.choose(str(key))
        values = state.get("values")
        self.form.set_values(values if isinstance(values, dict) else {})
        self.form.choose_device(str(state.get("device", "auto")))
        self.form.open_fold(bool(state.get("fold")))
        if state.get("run"):
            self.controller.choose_run(Path(str(state["run"])))
        self.controller.tick(frozenset(Path(str(path)) for path in state.get("ticked") or ()))
        folder = Path(str(state.get("folder") or ""))
        if state.get("folder") and folder.is_dir():
            self.controller.choose_folder(folder, str(state.get("kind", "")), bool(state.get("follow_links")))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+O", _("Choose a dataset")), ("Ctrl+I", _("Show the report on the dataset")),
                ("Ctrl+Return", _("Start a run")), ("Ctrl+T", _("Estimate time and memory of a run")),
                ("Ctrl+P", _("Pause or continue the current run")),
                ("Space", _("Tick the current run")), ("Ctrl+K", _("Compare the ticked runs")),
                ("Ctrl+U", _("Use the current run in Search")),
                *([("Ctrl+E", _("Evaluate the current run"))] if _is_panel("evaluate") else []),
                ("Delete", _("Delete the current run")), ("F5", _("Read the runs again"))]

    # ---- layout

    def _lay_out(self) -> None:
        head = row(panel_title(_("Train")), 2, self.dataset)
        head.setStretch(2, 1)
        charts = QWidget()
        charts_row = row(self.loss, self.dev, space=12)
        charts.setLayout(charts_row)
        charts_row.setStretch(0, 1)
        charts_row.setStretch(1, 1)
        self.tall = splitter(charts, self.runs, (290, 260), (1, 1), Qt.Orientation.Vertical)
        self.no_runs = EmptyState("train", _("No run yet"),
                                  _("Loss and recall of each run are plotted here, and its model can be used in "
                                    "Search. Choose the options on the left, then Start."),
                                  button(_("Show runs of another folder…"), self._add_folder))
        inner = QWidget()
        filled = column(self.live, self.tall, space=12)
        filled.setStretch(1, 1)
        inner.setLayout(filled)
        self.right = QStackedWidget()
        for page in (inner, self.no_runs):
            self.right.addWidget(page)
        self.split = splitter(self.form, self.right, (330, 800))
        self.empty = EmptyState("train", _("Train on your own data"),
                                _("Choose a dataset's folder, or drop it here: {kinds}.").format(kinds=KINDS),
                                button(_("Choose a dataset…"), self.dataset.ask, "main"),
                                button(_("Show runs of another folder…"), self._add_folder))
        self.reading = ReadingPage("train", _("the runs"), self.training.reload)
        self.pages = QStackedWidget()
        for page in (self.reading, self.empty, self.split):
            self.pages.addWidget(page)
        box = column(head, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(1, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        controller, live, runs, training = self.controller, self.live, self.runs, self.training
        controller.changed.connect(self._render)
        controller.failed.connect(self.failed)
        self.training.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        self.context.downloads.changed.connect(self._show_backbones)
        self.form.start_button.clicked.connect(controller.start)
        self.form.estimate_button.clicked.connect(controller.measure_or_cancel)
        live.pause_button.clicked.connect(lambda: self._with_run(training.pause))
        live.continue_button.clicked.connect(lambda: self._with_run(training.resume))
        live.stop_button.clicked.connect(self._ask_stop)
        live.end_button.clicked.connect(self._ask_end)
        runs.use_button.clicked.connect(controller.use_in_search)
        runs.evaluate_button.clicked.connect(self._evaluate)
        runs.compare_button.clicked.connect(self._compare)
        runs.folder_button.clicked.connect(lambda: self._with_run(
            lambda path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))))
        runs.delete_action.triggered.connect(self._ask_delete)
        runs.add_action.triggered.connect(self._add_folder)
        for keys, act in (("Ctrl+O", self.dataset.ask), ("Ctrl+I", self.dataset.open_report),
                          ("Ctrl+Return", self.form.start_button.click),
                          ("Ctrl+T", self.form.estimate_button.click), ("Ctrl+P", controller.pause_or_continue),
                          ("Ctrl+K", runs.compare_button.click), ("Ctrl+U", runs.use_button.click),
                          ("Ctrl+E", runs.evaluate_button.click), ("F5", training.reload)):
            add_shortcut(self, keys, act)

    # ---- rendering

    def _render(self, state: TrainState) -> None:
        before, self._shown = self._shown, state
        self.dataset.render_state(state)
        self.form.render_state(state)
        self.runs.render_state(state)
        run = state.run
        if run is not None:
            self.live.show_run(run, state.requests.get(run.path, ""), state.preparing_left.get(run.path))
        if state.drawn_runs != before.drawn_runs:
            for card in (self.loss, self.dev):
                card.show_runs(state.drawn_runs)
        self.right.setCurrentIndex(0 if state.records else 1)
        if state.records or state.is_read:
            self.pages.setCurrentWidget(self.split if state.records or state.folder else self.empty)
        if state.status != before.status:
            self._show_status(state)

    def _show_status(self, state: TrainState) -> None:
        text, link, target = state.status
        self.status_changed.emit(text)
        self.status_link.emit(link, target)

    def _show_backbones(self, downloads: DownloadsState) -> None:
        if downloads.files is not None:
            local = [weights for weights in self.context.downloads.table() if weights.kind == "vision-language"
                    and (weights.bundled or downloads.path(weights.name))]
            local.sort(key=lambda weights: weights.bundled)
            self.form.show_backbones(tuple(weights.name for weights in local))

    # ---- actions

    def _with_run(self, do: Any) -> None:
        run = self.controller.state.run
        if run is not None:
            do(run.path)

    def _ask_stop(self) -> None:
        run = self.controller.state.run
        if run is not None:
            result = _("Its best model so far is kept.") if run.usable else _("It has no model yet.")
            confirm(self, _("Stop {name}?").format(name=run.name),
                    _("{result} To interrupt it for a while, pause it instead.").format(result=result), _("Stop"),
                    lambda: self.training.stop(run.path))

    def _ask_end(self) -> None:
        run = self.controller.state.run
        if run is not None:
            confirm(self, _("End {name} now?").format(name=run.name),
                    _("Its process ends at once. It can be continued from its last save; what it did since is done "
                      "again."), _("End now"), lambda: self.training.kill(run.path))

    def _ask_delete(self) -> None:
        run = self.controller.state.run
        if run is not None and not run.live:
            confirm(self, _("Delete {name}?").format(name=run.name),
                    _("Its folder with curves, state and model is moved to the trash. The dataset stays."), "Delete",
                    lambda: self.controller.delete(run.path))

    def _evaluate(self) -> None:
        run = self.controller.state.run
        if run is not None and run.usable:
            self.go_to.emit("evaluate", run.path / "best")

    def _compare(self) -> None:
        runs = self.controller.state.ticked_runs
        if len(runs) > 1:
            CompareDialog(self, runs, self.context).open()

    def _add_folder(self) -> None:
        ask_folder(self, "model", _("Folder of a run, or folder with runs"), self.training.add_folder)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if len(folders_of(event.mimeData())) == 1:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData())[:1]:
            self.controller.choose_folder(folder)
        event.acceptProposedAction()


def _is_panel(key: str) -> bool:
    from brewclip_app.main_window import PANELS

    return any(entry.key == key for entry in PANELS)
