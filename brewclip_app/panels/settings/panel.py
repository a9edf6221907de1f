"""Settings, generated from the declared table; model weights; the data folder."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.base import Panel
from brewclip_app.panels.settings.privacy import PrivacyRows
from brewclip_app.panels.settings.setting_row import SettingRow
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    EmptyState,
    button,
    column,
    label,
    panel_title,
    row,
    scrolling,
)
from brewclip_app.widgets.dialogs import leave_field
from brewclip_app.widgets.weights_row import WeightsCard
from core.settings import PRIVACY, SETTINGS, Setting, Settings

if TYPE_CHECKING:
    from brewclip_app.context import Context

ONE_COLUMN_BELOW = 980  # px


class SettingsPanel(Panel):
    """A row for each setting; changes apply immediately."""

    key: ClassVar[str] = "settings"
    title: ClassVar[str] = _("Settings")
    icon: ClassVar[str] = "settings"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.rows: dict[str, SettingRow] = {}
        self.groups: dict[str, Card] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText(_("Search settings"))
        self.search.setAccessibleName(_("Search settings"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(240)
        self.search.textChanged.connect(self._filter)
        add_shortcut(self.search, "Escape", self._escape)
        self.weights = WeightsCard(context, title=_("Weights"))
        self.privacy = PrivacyRows(context)
        self.home = self._make_home()
        self.no_match = EmptyState("search", _("No match"), " ", button(_("Show all settings"), self.search.clear))
        self.no_match.hide()
        self._make_groups()
        self._lay_out()
        self._follow_settings(context.settings)
        context.settings_changed.connect(self._follow_settings)

    def activated(self) -> None:
        self.context.downloads.refresh()
        self.privacy.controller.refresh()
        self.status_changed.emit(_("Changes apply immediately"))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Tab", _("Next setting")), ("Esc", _("Clear the search"))]

    def _make_groups(self) -> None:
        for setting in SETTINGS:
            card = self.groups.setdefault(setting.group, Card(setting.group, space=12))
            setting_row = SettingRow(setting, self.context)
            self.rows[setting.key] = setting_row
            card.body.addWidget(setting_row)
        self.groups["Privacy"].body.addWidget(self.privacy)

    def _make_home(self) -> Card:
        card = Card(_("Data folder"))
        for number, (name, path) in enumerate(self.context.home.places.items()):
            if number:
                card.body.addWidget(label(name, "quiet-body"))
            line = row(ElidedLabel(str(path)), button(_("Open"), partial(_open, path)))
            line.setStretch(0, 1)
            card.body.addLayout(line)
        card.body.addWidget(label(_("Galleries, weights and spoken queries. Nothing leaves this computer. The "
                                    "environment variable BREWCLIP_HOME sets one folder for everything."),
                                  "quiet", wrap=True))
        return card

    def _lay_out(self) -> None:
        head = row(panel_title(_("Settings")), None, self.search)
        cards = list(self.groups.values())
        half = (len(cards) + 2) // 2  # the weights are long: the data folder goes to the other side
        self._left, self._right = QVBoxLayout(), QVBoxLayout()
        for side, parts in ((self._left, [*cards[:half], self.home]),
                            (self._right, [*cards[half:], self.weights])):
            side.setSpacing(12)
            for part in parts:
                side.addWidget(part)
            side.addStretch(1)
        both = self._both = row(self._left, self._right, space=12)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        both.setContentsMargins(0, 0, 4, 4)
        inner = QWidget()
        inner.setLayout(both)
        scroll = scrolling(inner)
        box = column(head, self.no_match, scroll, space=12)
        box.setStretch(2, 1)
        box.setContentsMargins(20, 16, 16, 12)
        self.setLayout(box)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= ONE_COLUMN_BELOW
        self._both.setDirection(QHBoxLayout.Direction.LeftToRight if wide else QHBoxLayout.Direction.TopToBottom)

    def _follow_settings(self, settings: Settings) -> None:
        for line in self.rows.values():
            line.show_value(settings)

    def _escape(self) -> None:
        """Clear the search, or leave it when it is empty."""
        if self.search.text():
            self.search.clear()
        else:
            leave_field(self)

    def _filter(self, words: str) -> None:
        for group, card in self.groups.items():
            shown = [self._show_row(setting, words) for setting in SETTINGS if setting.group == group]
            if group == PRIVACY:
                shown.append(self.privacy.matches(words.lower()))
                self.privacy.setVisible(shown[-1])
            card.setVisible(any(shown))
        for card in (self.weights, self.home):
            card.setVisible(words.lower() in card.heading.text().lower())
        cards = (*self.groups.values(), self.weights, self.home)
        self.no_match.setVisible(not any(card.isVisibleTo(self) for card in cards))
        for place, side in enumerate((self._left, self._right)):  # an empty column leaves its room to the other
            parts = [item.widget() for at in range(side.count()) if (item := side.itemAt(at)) is not None]
            self._both.setStretch(place, int(any(part is not None and part.isVisibleTo(self) for part in parts)))
        self.no_match.sentence.setText(_("No setting matches “{words}”.").format(words=words.strip()))

    def _show_row(self, setting: Setting, words: str) -> bool:
        where = f"{as_shown(setting.group)} {as_shown(setting.label)} {as_shown(setting.help)} {setting.key}".lower()
        matches = all(word in where for word in words.lower().split())
        self.rows[setting.key].setVisible(matches)
        return matches


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
