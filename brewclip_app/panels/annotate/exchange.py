"""Export and import of spoken captions: the dialog, the jobs and their progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLineEdit, QWidget

from brewclip_app import tasks, wording
from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.widgets.common import Card, ProgressRow, button, column, icon_button, label, look, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.file_dialogs import ask_folder
from core.annotation.layout_names import LAYOUT_TITLES
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.annotation.exports import ExportOptions, ExportResult
    from core.annotation.imports import ImportResult

EXPORT, IMPORT = KEYS = ("annotate-export", "annotate-import")
ABOUT = (_("Pictures and recordings are copied, with lists for training, validation and test. Takes that are not "
           "confirmed or were rejected are left out."))


@dataclass(frozen=True)
class ExchangeResult:
    """Outcome of an export or import: a sentence, whether something needs attention, and the folder to open."""

    text: str
    care: bool
    folder: Path | None = None


class ExportDialog(QDialog):
    """Asks for layout, folder and splits."""

    def __init__(self, parent: QWidget, gallery: str, folder: Path,
                 export: "Callable[[Path, ExportOptions], object]") -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Export"))
        self.setMinimumWidth(500)
        self.layouts = QComboBox()
        self.layouts.setAccessibleName(_("Layout"))
        for key, title in LAYOUT_TITLES.items():
            self.layouts.addItem(as_shown(title), key)
        self.folder = QLineEdit(str(folder))
        self.folder.setAccessibleName(_("Folder"))
        self.by_speaker = QCheckBox(_("No speaker in more than one split"))
        self.reviewed = QCheckBox(_("Only accepted takes"))
        self.export = button(_("Export"), self.accept, "main")
        self.export.setDefault(True)
        place = row(self.folder, button(_("Choose…"), self._choose))
        place.setStretch(0, 1)
        box = column(label(_("Export the spoken captions of {gallery}").format(gallery=gallery), "title", wrap=True),
                     label(ABOUT, "quiet", wrap=True), 2, label(_("Layout"), "heading"), self.layouts,
                     label(_("New or empty folder"), "heading"), place, self.by_speaker, self.reviewed, 4,
                     row(None, button(_("Cancel"), self.reject), self.export))
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.folder.textChanged.connect(lambda text: self.export.setEnabled(bool(text.strip())))
        self.accepted.connect(lambda: export(Path(self.folder.text().strip()), self.options()))
        self.finished.connect(self.deleteLater)

    def options(self) -> "ExportOptions":
        """The chosen options."""
        from core.annotation.exports import ExportOptions

        return ExportOptions(self.layouts.currentData(), self.by_speaker.isChecked(), self.reviewed.isChecked())

    def _choose(self) -> None:
        ask_folder(self, "export", _("Folder for the export"), self._set_folder)

    def _set_folder(self, folder: Path) -> None:
        """Take a folder; one with files in it gets a new one inside."""
        filled = folder.is_dir() and any(folder.iterdir())
        self.folder.setText(str(folder / Path(self.folder.text()).name if filled else folder))


class ExchangeBar(Card):
    """Progress of exports and imports, then their outcome. Hidden while there is nothing to show."""

    def __init__(self, context: "Context") -> None:
        super().__init__(margin=10, space=6)
        self._context = context
        self._folder: Path | None = None
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self._cancel)
        self.words = label("", wrap=True)
        self.open = button(_("Open the folder"), self._open, "link")
        self.shut = icon_button("close", _("Close this message"), self.hide, side=14)
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

    def show_result(self, result: ExchangeResult) -> None:
        """Show the outcome."""
        look(self.words, "care" if result.care else "")
        self.words.setText(result.text)
        self._folder = result.folder
        self.open.setVisible(result.folder is not None)
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
    """Controller of exports and imports; `owner` is the parent of its questions."""

    finished = Signal(object)  # ExchangeResult
    failed = Signal(object)  # exception

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner

    def ask_export(self, gallery: str) -> None:
        """Ask what to export and where, then do it."""
        names = (_("{gallery} captions").format(gallery=gallery),
                 *(_("{gallery} captions {number}").format(gallery=gallery, number=number)
                   for number in range(2, 10_000)))
        folder = next(folder for folder in map(Path.home().joinpath, names) if not folder.exists())
        ExportDialog(self._owner, gallery, folder, lambda *chosen: self.export(gallery, *chosen)).open()

    def export(self, gallery: str, folder: Path, options: "ExportOptions") -> None:
        """Export into a folder."""
        tasks.start(self._export(gallery, folder, options))

    async def _export(self, gallery: str, folder: Path, options: "ExportOptions") -> None:
        def work(report: Report) -> "ExportResult":
            from core.annotation.exports import export

            explorer = self._context.explorer
            return export(explorer.store, explorer.gallery(explorer.store.gallery(gallery)), folder, options, report)

        try:
            result = await self._context.jobs.run(_("Exporting {gallery}").format(gallery=gallery), work, key=EXPORT)
        except JobCancelled:
            raise
        except Exception as error:
            self.failed.emit(error)
            return
        counts = ", ".join(_("{utterances} in {name}").format(utterances=split.utterances, name=split.name)
                           for split in result.splits)
        left = "".join(_(" Left out, {count}: {what}.").format(count=wording.count(group.count), what=group.what)
                       for group in result.left_out)
        problems = "".join(f" {problem.count} {problem.what}." for problem in result.problems)
        self.finished.emit(ExchangeResult(_("Exported to {folder}: {counts}.{left}{problems}").format(
            folder=result.folder, counts=counts, left=left, problems=problems), bool(problems),
                                          result.folder))

    def ask_import(self, gallery: str) -> None:
        """Ask for the folder of a dataset and import it into the gallery."""
        ask_folder(self._owner, "dataset", _("Dataset to import into {gallery}").format(gallery=gallery),
                   lambda folder: self.import_dataset(folder, gallery))

    def import_dataset(self, folder: Path, gallery: str, follow_links: bool = False) -> None:
        """Import a dataset; where it has links out of its folder, ask whether to follow them."""
        tasks.start(self._import(folder, gallery, follow_links))

    async def _import(self, folder: Path, gallery: str, follow_links: bool) -> None:
        def work(report: Report) -> "ImportResult":
            from core.annotation.imports import import_dataset

            explorer = self._context.explorer
            return import_dataset(explorer.store, folder, gallery, explorer.index, report=report,
                                  follow_links=follow_links)

        try:
            result = await self._context.jobs.run(_("Importing {name} into {gallery}").format(name=folder.name,
                                                                                              gallery=gallery), work,
                                                  key=IMPORT)
        except JobCancelled:
            self._context.galleries_changed.emit()  # what came in before stays
            raise
        except Exception as error:
            if getattr(error, "kind", "") == "links":
                self._ask_links(folder, gallery)
            else:
                self.failed.emit(error)
            return
        if result.links:
            self._ask_links(folder, gallery)
        captions = ngettext("{added} spoken caption", "{added} spoken captions",
                            result.added).format(added=wording.count(result.added))
        already = _(" {known} were there already.").format(known=wording.count(result.known)) if result.known else ""
        failed = (_(" {failed} could not be read.").format(failed=wording.count(len(result.failed))) if result.failed
                  else "")
        self.finished.emit(ExchangeResult(_("{captions} imported into {gallery}.{already}{failed}").format(
            captions=captions, gallery=gallery, already=already, failed=failed), bool(failed)))
        self._context.galleries_changed.emit()

    def _ask_links(self, folder: Path, gallery: str) -> None:
        confirm(self._owner, _("Follow links?"),
                _("{name} has symbolic links to files outside the folder. Follow them only if you trust where they "
                  "lead.").format(name=folder.name), _("Follow links"),
                lambda: self.import_dataset(folder, gallery, follow_links=True), danger=False)
