"""Two panels of a line edit each, and an explorer without models."""

from types import SimpleNamespace

from PySide6.QtWidgets import QLineEdit

from brewclip_app.main_window import PanelEntry
from brewclip_app.panels.base import Panel
from brewclip_app.widgets.common import column


class OnePanel(Panel):
    key, title, icon = "one", "One", "search"

    def __init__(self, context):
        super().__init__(context)
        self.calls = []
        self.field = QLineEdit()
        self.setLayout(column(self.field))

    def activated(self):
        self.calls.append("activated")
        self.status_changed.emit("one is here")

    def deactivated(self):
        self.calls.append("deactivated")

    def receive(self, payload):
        self.calls.append(payload)

    def save_state(self):
        return {"text": self.field.text()}

    def restore_state(self, state):
        self.field.setText(state.get("text", ""))

    def shortcuts(self):
        return [("Space", "Record")]

    def closing(self):
        self.calls.append("closing")


class TwoPanel(OnePanel):
    key, title, icon = "two", "Two", "settings"

    def activated(self):
        self.calls.append("activated")
        self.status_changed.emit("")


TWO = tuple(PanelEntry(panel.key, panel.title, panel.icon, __name__, panel.__name__, panel is TwoPanel)
            for panel in (OnePanel, TwoPanel))


class Explorer:
    def status(self):
        return SimpleNamespace(backbone="BrewCLIP mini", note="small", speech="", device="cpu", warning="",
                               fallback="The GPU failed.", backbone_loaded=True, speech_loaded=False)

    def close(self):
        pass
