"""Spoken captions out of a gallery and into it: what to export and where, and the jobs of both."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLineEdit, QWidget

from brewclip_app import wording
from brewclip_app.widgets.common import Card, ProgressRow, button, column, icon_button, label, look, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.file_dialogs import ask_folder
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.annotation.exports import ExportOptions, ExportResult
    from core.annotation.imports import ImportResult

LAYOUTS = (("spokencoco", "SpokenCOCO (JSON lists)"), ("flickr8k", "Flickr8k (text lists)"))
EXPORT, IMPORT = KEYS = ("annotate-export", "annotate-import")
ABOUT = ("Pictures and recordings are copied, with lists for training, validation and test. What is not confirmed or "
         "was rejected is left out.")


class ExportDialog(QDialog):
    """Asks for layout, folder and splits."""

    wanted = Signal(object, object)  # Path, ExportOptions

    def __init__(self, parent: QWidget, gallery: str, folder: Path) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(500)
        self.layouts = QComboBox()
        self.layouts.setAccessibleName("Layout")
        for key, words in LAYOUTS:
            self.layouts.addItem(words, key)
        self.folder = QLineEdit(str(folder))
        self.folder.setAccessibleName("Folder")
        self.by_speaker = QCheckBox("Keep speakers apart as well: none in two splits")
        self.reviewed = QCheckBox("Only what the review has accepted")
        self.export = button("Export", self.accept, "main")
        self.export.setDefault(True)
        place = row(self.folder, button("Choose…", self._choose))
        place.setStretch(0, 1)
        box = column(label(f"Export the spoken captions of {gallery}", "title", wrap=True),
                     label(ABOUT, "quiet", wrap=True), 2, label("Layout", "heading"), self.layouts,
                     label("New or empty folder", "heading"), place, self.by_speaker, self.reviewed, 4,
                     row(None, button("Cancel", self.reject), self.export))
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.folder.textChanged.connect(lambda text: self.export.setEnabled(bool(text.strip())))
        self.accepted.connect(lambda: self.wanted.emit(Path(self.folder.text().strip()), self.options()))
        self.finished.connect(self.deleteLater)

    def options(self) -> "ExportOptions":
        """What is chosen."""
        from core.annotation.exports import ExportOptions

        return ExportOptions(self.layouts.currentData(), self.by_speaker.isChecked(), self.reviewed.isChecked())

    def _choose(self) -> None:
        ask_folder(self, "export", "The folder in which the export is made", self._take_folder)

    def _take_folder(self, folder: Path) -> None:
        """A folder that has something in it gets a new one inside."""
        filled = folder.is_dir() and any(folder.iterdir())
        self.folder.setText(str(folder / Path(self.folder.text()).name if filled else folder))


class ExchangeBar(Card):
    """How far an export or import is, with its way to stop it; then what came of it. Hidden while there is nothing."""

    def __init__(self, context: "Context") -> None:
        super().__init__(margin=10, space=6)
        self._context = context
        self._folder: Path | None = None
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self._cancel)
        self.words = label("", wrap=True)
        self.open = button("Open the folder", self._open, "link")
        self.shut = icon_button("close", "Close this message", self.hide, side=14)
        self.result = QWidget()
        line = row(self.words, self.open, self.shut)
        line.setStretch(0, 1)
        self.result.setLayout(line)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.result)
        for part in (self.open, self.shut, self.progress.cancel):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for signal in (context.jobs.job_started, context.jobs.job_progress, context.jobs.job_finished):
            signal.connect(self._follow)
        self.hide()

    def say(self, text: str, kind: str, folder: Path | None) -> None:
        """What came of it; "care" where something is to be looked at."""
        look(self.words, "care" if kind == "care" else "")
        self.words.setText(text)
        self._folder = folder
        self.open.setVisible(folder is not None)
        self.progress.hide()
        self.result.show()
        self.show()

    def _running(self) -> "list[Job]":
        return [job for key in KEYS if (job := self._context.jobs.of_key(key)) is not None and not job.cancelled]

    def _follow(self, job: "Job") -> None:
        if job.key not in KEYS:
            return
        running = self._running()
        if job not in running:
            self.setVisible(bool(running) or self.result.isVisibleTo(self))
            self.progress.setVisible(bool(running))
            return
        self.progress.title.setText(job.name)
        self.progress.set_progress(*job.progress.bar, job.words())
        self.result.hide()
        self.progress.show()
        self.show()

    def _cancel(self) -> None:
        for job in self._running():
            job.cancel()
        self.hide()

    def _open(self) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))


class Exchange(QObject):
    """Exports and imports, in jobs; tells in a sentence what came of it."""

    said = Signal(str, str, object)  # sentence, "good" or "care", the folder to open or None
    failed = Signal(object)
    imported = Signal(str)  # gallery

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner

    def ask_export(self, gallery: str) -> ExportDialog:
        """Ask what to export, then do it."""
        dialog = ExportDialog(self._owner, gallery, _free(Path.home() / f"{gallery} captions"))
        dialog.wanted.connect(lambda folder, options: self.export(gallery, folder, options))
        dialog.open()
        return dialog

    def export(self, gallery: str, folder: Path, options: "ExportOptions") -> None:
        """Export into a folder."""
        def work(report: Report) -> "ExportResult":
            from core.annotation.exports import export

            explorer = self._context.explorer
            return export(explorer.store, explorer.gallery(explorer.store.gallery(gallery)), folder, options, report)

        self._context.jobs.submit(f"Exporting {gallery}", work, key=EXPORT, on_done=self._exported,
                                  on_failed=self.failed.emit)

    def ask_import(self, gallery: str) -> None:
        """Let the user choose a dataset's folder, and bring it into the gallery."""
        ask_folder(self._owner, "dataset", f"A dataset to bring into {gallery}",
                   lambda folder: self.bring_in(folder, gallery))

    def bring_in(self, folder: Path, gallery: str, follow_links: bool = False) -> None:
        """Import a dataset; where it has links out of its folder, ask whether to follow them."""
        def work(report: Report) -> "ImportResult":
            from core.annotation.imports import import_dataset

            explorer = self._context.explorer
            return import_dataset(explorer.store, folder, gallery, explorer.index, report=report,
                                  follow_links=follow_links)

        self._context.jobs.submit(f"Bringing {folder.name} into {gallery}", work, key=IMPORT,
                                  on_done=lambda result: self._imported(result, folder),
                                  on_failed=lambda error: self._not_imported(error, folder, gallery),
                                  on_cancelled=lambda: self.imported.emit(gallery))

    def _exported(self, result: "ExportResult") -> None:
        counts = ", ".join(f"{split.utterances} in {split.name}" for split in result.splits)
        left = "".join(f" Left out, {wording.count(one.count)}: {one.what}." for one in result.left_out)
        wrong = "".join(f" {one.count} {one.what}." for one in result.problems)
        self.said.emit(f"Exported to {result.folder}: {counts}.{left}{wrong}", "care" if wrong else "good",
                       result.folder)

    def _not_imported(self, error: BaseException, folder: Path, gallery: str) -> None:
        if getattr(error, "kind", "") == "links":
            self._ask_links(folder, gallery)
        else:
            self.failed.emit(error)

    def _ask_links(self, folder: Path, gallery: str) -> None:
        confirm(self._owner, "Follow links?", f"Files of {folder.name} lie behind symbolic links that lead out of the "
                "folder. Follow them only if you trust where they lead.", "Follow links",
                lambda: self.bring_in(folder, gallery, follow_links=True), danger=False)

    def _imported(self, result: "ImportResult", folder: Path) -> None:
        if result.links:
            self._ask_links(folder, result.gallery)
        failed = f" {wording.count(len(result.failed))} could not be read." if result.failed else ""
        known = f" {wording.count(result.known)} were there already." if result.known else ""
        came = "1 spoken caption" if result.added == 1 else f"{wording.count(result.added)} spoken captions"
        self.said.emit(f"{came} came into {result.gallery}.{known}{failed}",
                       "care" if failed else "good", None)
        self.imported.emit(result.gallery)
        self._context.galleries_changed.emit()


def _free(folder: Path) -> Path:
    """The folder, or one of that name with a number, that is not there yet."""
    return next(each for each in (folder, *(folder.with_name(f"{folder.name} {number}") for number in range(2, 10_000)))
                if not each.exists())
