"""Banner above a panel: what happened, what is safe, what to do; with folded details, or with an offer."""

import traceback
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown, localised
from brewclip_app.widgets.common import button, column, icon_button, label, look, repolish, row
from core.errors import BrewclipError

ICONS = {"error": ("error", "record_words"), "care": ("warning", "care_words"), "good": ("check", "good_words"),
         "note": ("help", "quiet")}
UNEXPECTED = _("Something unexpected went wrong. Your pictures and galleries are safe; the log has the details.")
GOOD_STAYS_MS = 6000


class Banner(QFrame):
    """Hidden until it has a message; good news closes by itself."""

    shown_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        look(self, "banner")
        self.sign = QLabel()
        self.sign.setFixedSize(20, 20)
        self.message = label("", wrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = look(QPlainTextEdit(), "details")
        self.details.setReadOnly(True)
        self.details.setMaximumHeight(160)
        self.details.setAccessibleName(_("Details of the error"))
        self.action = button("", self._act)
        self._on_action: Callable[[], object] | None = None
        self.fold = button(_("Details"), self._turn_fold, "quiet-link")
        self.copy = button(_("Copy"), self._copy, "quiet-link")
        self.close_button = icon_button("close", _("Close this message"), self.dismiss, side=14)
        top = Qt.AlignmentFlag.AlignTop
        head = row(self.sign, self.message, self.action, self.fold, self.copy, self.close_button)
        head.setStretch(1, 1)
        head.setAlignment(self.sign, top)
        head.setAlignment(self.close_button, top)
        box = column(head, self.details)
        box.setContentsMargins(12, 8, 8, 8)
        self.setLayout(box)
        self._timer = QTimer(self, singleShot=True, interval=GOOD_STAYS_MS)
        self._timer.timeout.connect(self.dismiss)
        self.hide()

    def show_message(self, message: str, kind: str = "care", details: str = "", action: str = "",
                     act: Callable[[], object] | None = None) -> None:
        """Show a message; kind "error", "care", "good" or "note". `action` is a button that calls `act` and closes it.
        """
        message = as_shown(message)
        self._on_action = act
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.setProperty("kind", kind)
        repolish(self)
        name, role = ICONS[kind]
        self.sign.setPixmap(theme.icon(name, role).pixmap(20, 20))
        self.message.setText(message)
        self.setAccessibleName(as_shown(message))
        self.details.setPlainText(details)
        self.details.hide()
        self.fold.setText(_("Details"))
        self.fold.setVisible(bool(details))
        self.copy.setVisible(False)
        self._timer.stop()
        if kind == "good":
            self._timer.start()
        self.show()
        self.shown_changed.emit(True)

    def show_error(self, error: BaseException, safe: str = "") -> None:
        """Show an exception: the sentence of a BrewclipError, or a general one."""
        foreseen = isinstance(error, BrewclipError)
        message = localised(error) if foreseen else UNEXPECTED
        self.show_message(f"{message} {as_shown(safe)}".strip(), "error", "".join(traceback.format_exception(error)))

    def dismiss(self) -> None:
        """Hide the message."""
        self._timer.stop()
        self.hide()
        self.shown_changed.emit(False)

    def _act(self) -> None:
        act = self._on_action
        self.dismiss()
        if act is not None:
            act()

    def _turn_fold(self) -> None:
        folded = self.details.isHidden()
        self.details.setVisible(folded)
        self.copy.setVisible(folded)
        self.fold.setText(_("Hide details") if folded else _("Details"))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.message.text()}\n\n{self.details.toPlainText()}")
        self.copy.setText(_("Copied"))
