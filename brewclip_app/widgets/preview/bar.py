"""Bar of the preview: name, place in the sequence, zoom, and buttons."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.common import ElidedLabel, icon_button, label, look, row
from brewclip_app.widgets.preview.controller import PreviewController
from brewclip_app.widgets.preview.state import PreviewState


class PreviewBar(QFrame):
    """View of a state in one line; `open_menu` gets a place on the screen."""

    def __init__(self, controller: PreviewController, toggle_slide_show: Callable[[], object],
                 toggle_full_screen: Callable[[], object], open_menu: Callable[[QPoint], object]) -> None:
        super().__init__()
        look(self, "bar")
        self._running = False
        self.back = icon_button("chevron-left", _("Back to the pictures (Esc)"), controller.close)
        self.name = ElidedLabel("", "strong")
        self.name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.count, self.zoom = label("", "quiet"), label("", "quiet")
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.zoom_out = icon_button("minus", _("Zoom out (-)"), lambda: controller.zoom(-1))
        self.zoom_in = icon_button("plus", _("Zoom in (+)"), lambda: controller.zoom(1))
        self.rotate = icon_button("rotate", _("Rotate right (R); the file stays as it is"),
                                  lambda: controller.rotate(90))
        self.play = icon_button("play", _("Slide show (F5)"), toggle_slide_show)
        self.inform = icon_button("info", _("Information (I)"), controller.toggle_information)
        self.inform.setCheckable(True)
        self.full = icon_button("maximize", _("Full screen (F)"), toggle_full_screen)
        self.more = icon_button("more", _("More"),
                                lambda: open_menu(self.more.mapToGlobal(self.more.rect().bottomLeft())))
        self.buttons: tuple[QToolButton, ...] = (self.back, self.zoom_out, self.zoom_in, self.rotate, self.play,
                                                 self.inform, self.full, self.more)
        for part in self.buttons:
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the picture
        layout = row(self.back, self.name, self.count, None, self.zoom_out, self.zoom, self.zoom_in, 8, self.rotate,
                     self.play, self.inform, self.full, self.more, space=6)
        layout.setContentsMargins(10, 6, 10, 6)
        self.setLayout(layout)

    def render_state(self, state: PreviewState, name: str) -> None:
        """Show another state; `name` is that of the file in front."""
        self.name.setText(name)
        self.count.setText(state.place_words)
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance(_("Fit \N{MIDDLE DOT} 100 %")))
        self.zoom.setText(state.zoom_words)
        self.inform.setChecked(state.information)
        if self._running != (state.slide_show == "running"):
            self._running = not self._running
            theme.set_icon(self.play, "pause" if self._running else "play")
