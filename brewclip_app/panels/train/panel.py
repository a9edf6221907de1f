"""Train: a dataset and a recipe at the left, the runs and their curves at the right."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from brewclip_app.panels.base import Panel
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.compare import CompareDialog
from brewclip_app.panels.train.cost import CostEstimate
from brewclip_app.panels.train.curves import CurveCard, choices
from brewclip_app.panels.train.dataset import DatasetChoice
from brewclip_app.panels.train.form import TrainForm
from brewclip_app.panels.train.live import LiveCard, can_go_on
from brewclip_app.panels.train.runs import TrainRunsCard
from brewclip_app.panels.train.splitter import splitter
from brewclip_app.widgets.common import EmptyState, button, column, label, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.drops import folders_of
from core.errors import SettingsError

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.training.runs import RunRecord

LOOK_MS = 3000  # so often runs that others began or ended are looked for, while the panel is in front
KINDS = "Flickr8k, SpokenCOCO, Localized Narratives, or any folder with pictures, recordings and a list that pairs them"


class TrainPanel(Panel):
    """Wires the parts; the runs themselves are `context.training`'s."""

    key: ClassVar[str] = "train"
    title: ClassVar[str] = "Train"
    icon: ClassVar[str] = "train"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.training = context.training
        self.dataset = DatasetChoice(context)
        self.form = TrainForm()
        self.cost = CostEstimate(context, self.form, self.dataset)
        self.live = LiveCard()
        self.loss = CurveCard(choices("step"), "parts")
        self.dev = CurveCard(choices("dev"), "score")
        self.runs = TrainRunsCard(_is_panel("evaluate"))
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self.training.look)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._show_backbones()
        self._show_runs()
        self.training.look()

    def activated(self) -> None:
        self.training.look()
        self.context.downloads.refresh()
        self.cost.look_for_devices()
        self._clock.start()
        self._say_status()

    def deactivated(self) -> None:
        self._clock.stop()

    def receive(self, payload: object) -> None:
        """A folder: learn from it."""
        if isinstance(payload, Path) and payload.is_dir():
            self.dataset.choose(payload)

    def save_state(self) -> dict[str, Any]:
        current = self.runs.current
        return {"folder": str(self.dataset.folder or ""), "kind": self.dataset.kind,
                "follow_links": self.dataset.follow_links, "values": self.form.values(),
                "device": self.form.device.currentData(), "fold": self.form.is_open,
                "split": self.split.sizes(), "tall": self.tall.sizes(), "curves": [self.loss.key, self.dev.key],
                "run": str(current.path) if current else "",
                "ticked": [str(each.path) for each in self.runs.model.ticked_records()]}

    def restore_state(self, state: dict[str, Any]) -> None:
        for split, key in ((self.split, "split"), (self.tall, "tall")):
            sizes = state.get(key)
            if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(each, int) for each in sizes):
                split.setSizes(sizes)
        for card, key in zip((self.loss, self.dev), state.get("curves") or (), strict=False):
            card.choose(str(key))
        values = state.get("values")
        self.form.set_values(values if isinstance(values, dict) else {})
        self.form.choose_device(str(state.get("device", "auto")))
        self.form.open_fold(bool(state.get("fold")))
        self.runs.restore(str(state.get("run") or ""), [str(each) for each in state.get("ticked") or ()])
        folder = Path(str(state.get("folder") or ""))
        if state.get("folder") and folder.is_dir():
            self.dataset.choose(folder, str(state.get("kind", "")), bool(state.get("follow_links")))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+O", "Choose a dataset"), ("Ctrl+I", "What is in the dataset"), ("Ctrl+Return", "Start a run"),
                ("Ctrl+P", "Pause the chosen run, or go on with it"), ("Space", "Tick the chosen run"),
                ("Ctrl+K", "Compare the ticked runs"), ("Ctrl+U", "Use the chosen run in Search"),
                *([("Ctrl+E", "Evaluate the chosen run")] if _is_panel("evaluate") else []),
                ("Delete", "Delete the chosen run"), ("F5", "Look for runs again")]

    # --- how it is laid out ---

    def _lay_out(self) -> None:
        head = row(label("Train", "title"), 2, self.dataset)
        head.setStretch(2, 1)
        charts = QWidget()
        both = row(self.loss, self.dev, space=12)
        charts.setLayout(both)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        self.tall = splitter(Qt.Orientation.Vertical, charts, self.runs, (290, 260))
        self.no_runs = EmptyState("train", "No run yet", "What a run learns and how well it does is drawn here, and "
                                  "its model can be used in Search. Choose what to train at the left, then Start.",
                                  button("Show runs of another folder…", self._add_folder))
        inner = QWidget()
        filled = column(self.live, self.tall, space=12)
        filled.setStretch(1, 1)
        inner.setLayout(filled)
        self.right = QStackedWidget()
        for page in (inner, self.no_runs):
            self.right.addWidget(page)
        self.split = splitter(Qt.Orientation.Horizontal, self.form, self.right, (330, 800), first_grows=False)
        self.empty = EmptyState("train", "Train on your own data", "Choose a dataset's folder, or drop it here: "
                                f"{KINDS}.", button("Choose a dataset…", self.dataset.ask, "main"),
                                button("Show runs of another folder…", self._add_folder))
        self.waiting = QWidget()
        self.pages = QStackedWidget()
        for page in (self.waiting, self.empty, self.split):
            self.pages.addWidget(page)
        box = column(head, self.pages, space=12)
        box.setContentsMargins(20, 14, 20, 12)
        box.setStretch(1, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        self.dataset.changed.connect(self._dataset_changed)
        self.form.start.connect(self._start)
        self.training.changed.connect(self._show_runs)
        self.training.began.connect(self.runs.choose)
        self.training.ended.connect(self._say_end)
        self.training.failed.connect(self.failed)
        self.context.downloads.changed.connect(lambda _: self._show_backbones())
        self.context.settings_changed.connect(lambda _: self._show_runs())
        for signal, do in (
                (self.live.pause, lambda: self._with_run(self.training.pause)),
                (self.live.go_on, lambda: self._with_run(self.training.go_on)),
                (self.live.stop, self._ask_stop),
                (self.live.end_now, self._ask_end),
                (self.runs.chosen, self._show_chosen), (self.runs.ticked, self._show_curves),
                (self.runs.use, self._use), (self.runs.evaluate, self._evaluate), (self.runs.compare, self._compare),
                (self.runs.open_folder, lambda: self._with_run(_show_folder)), (self.runs.delete, self._ask_delete),
                (self.runs.add_folder, self._add_folder)):
            signal.connect(do)
        for keys, act in (("Ctrl+O", self.dataset.ask), ("Ctrl+I", self.dataset.open_report),
                          ("Ctrl+Return", self.form.start_button.click), ("Ctrl+P", self._pause_or_go_on),
                          ("Ctrl+K", self.runs.compare_button.click), ("Ctrl+U", self.runs.use_button.click),
                          ("Ctrl+E", self.runs.evaluate_button.click), ("F5", self.training.look)):
            QShortcut(QKeySequence(keys), self, act, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # --- what is shown ---

    def _dataset_changed(self) -> None:
        self.form.show_dataset(self.dataset.report)
        self._show_page()
        self._say_status()

    def _show_backbones(self) -> None:
        downloads = self.context.downloads
        if downloads.is_known():
            here = [each for each in downloads.table() if each.kind == "vision-language"
                    and (each.bundled or downloads.path(each.name))]
            self.form.show_backbones(tuple(each.name for each in sorted(here, key=lambda each: each.bundled)))

    def _show_runs(self) -> None:
        self.runs.show_runs(self.training.records, self.training.asked, str(self.context.settings["vision.model"]))
        self._show_page()
        self._show_chosen()

    def _show_page(self) -> None:
        runs = bool(self.training.records)
        self.right.setCurrentIndex(0 if runs else 1)
        if not runs and not self.training.is_read:
            return
        self.pages.setCurrentWidget(self.split if runs or self.dataset.folder else self.empty)

    def _show_chosen(self) -> None:
        record = self.runs.current
        if record is not None:
            self.live.show_run(record, self.training.asked(record.path), self.training.left_of_preparing(record.path))
        self._show_curves()

    def _show_curves(self) -> None:
        records = self.runs.laid_over()
        for card in (self.loss, self.dev):
            card.show_runs(records)

    def _say_status(self) -> None:
        self.status_changed.emit(f"Runs are kept in {self.context.home.runs}")
        self.status_link.emit("", "")

    def _say_end(self, record: "RunRecord") -> None:
        words = training_words.state(record)
        self.status_link.emit("", "")
        self.status_changed.emit(f"{record.name}: {words}. {record.message}" if record.message else
                                 f"{record.name}: {words}")

    # --- what is done ---

    def _start(self) -> None:
        recipe = self.cost.recipe
        if recipe is not None:
            self.training.begin(recipe)

    def _with_run(self, do: Any) -> None:
        record = self.runs.current
        if record is not None:
            do(record.path)

    def _pause_or_go_on(self) -> None:
        record = self.runs.current
        if record is not None and record.live and not self.training.asked(record.path):
            self.training.pause(record.path)
        elif record is not None and can_go_on(record):
            self.training.go_on(record.path)

    def _ask_stop(self) -> None:
        record = self.runs.current
        if record is not None:
            kept = "Its best model so far is kept." if record.usable else "It has no model yet."
            confirm(self, f"Stop {record.name}?", f"{kept} To interrupt it for a while, pause it instead.", "Stop",
                    lambda: self.training.stop(record.path))

    def _ask_end(self) -> None:
        record = self.runs.current
        if record is not None:
            confirm(self, f"End {record.name} now?", "Its process ends at once. What was saved is kept and can be "
                    "continued; what it did since is done again.", "End now",
                    lambda: self.training.kill(record.path))

    def _ask_delete(self) -> None:
        record = self.runs.current
        if record is not None and not record.live:
            confirm(self, f"Delete {record.name}?", "Its folder with curves, state and model goes into the bin. "
                    "The dataset stays.", "Delete", lambda: self._delete(record.path))

    def _delete(self, path: Path) -> None:
        if self.context.settings["vision.model"] == str(path / "best"):
            self.context.change("vision.model", "auto")
        self.training.delete(path)

    def _use(self) -> None:
        record = self.runs.current
        if record is None or not record.usable:
            return
        try:
            self.context.change("vision.model", str(record.path / "best"))
        except SettingsError as error:
            self.failed.emit(error, "Search uses the model as before.")
            return
        self.status_changed.emit(f"Search uses {record.name} now; pictures that were indexed before need")
        self.status_link.emit("embedding again", "library")

    def _evaluate(self) -> None:
        record = self.runs.current
        if record is not None and record.usable:
            self.go_to.emit("evaluate", record.path / "best")

    def _compare(self) -> None:
        records = self.runs.model.ticked_records()
        if len(records) > 1:
            CompareDialog(self, records).open()

    def _add_folder(self) -> None:
        dialog = QFileDialog(self, "A run's folder, or a folder of runs")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(lambda chosen: self.training.add_folder(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if len(folders_of(event.mimeData())) == 1:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData())[:1]:
            self.dataset.choose(folder)
        event.acceptProposedAction()


def _show_folder(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _is_panel(key: str) -> bool:
    from brewclip_app.main_window import PANELS

    return any(each.key == key for each in PANELS)
