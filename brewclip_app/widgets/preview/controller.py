"""Controller of the preview: walks a sequence, reads pictures ahead, zooms, and runs the slide show. No widgets."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks
from brewclip_app.base_context import BaseContext
from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from brewclip_app.widgets.preview.geometry import Point, Size, ViewGeometry
from brewclip_app.widgets.preview.loading import LoadedPicture, load
from brewclip_app.widgets.preview.sequence import PictureSequence
from brewclip_app.widgets.preview.state import PreviewState
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from core.store.records import ImageRecord

KEPT = "preview"  # key in the window's state
INTERVALS = (2.0, 4.0, 6.0, 10.0, 20.0)  # s, of the slide show
AT_ONCE = 2  # pictures that are read at the same time
AHEAD = 2  # pictures that are read beforehand in the direction of the last step; one in the other
NOTHING = PictureSequence((), lambda image_id: None)


class Timer(Protocol):
    """A call that was put off."""

    def cancel(self) -> object:
        """Do not make it."""


Later = Callable[[float, Callable[[], object]], Timer]  # makes a call after some seconds


class PreviewController(Controller[PreviewState]):
    """Holds the state; `later` puts off the next picture of the slide show."""

    closed = Signal(int)  # id of the picture that was in front

    def __init__(self, context: BaseContext, parent: QObject | None = None, later: Later | None = None) -> None:
        stored = context.state.get(KEPT, {})
        stored = stored if isinstance(stored, dict) else {}
        interval = stored.get("interval")
        super().__init__(PreviewState(information=bool(stored.get("information", False)),
                                      interval=interval if interval in INTERVALS else PreviewState.interval), parent)
        self._context = context
        self._later: Later = later or (lambda seconds, call: tasks.loop().call_later(seconds, call))
        self._sequence = NOTHING
        self._pictures: dict[int, LoadedPicture] = {}  # by position, those near the one in front
        self._loading: set[tuple[int, bool]] = set()  # position, whether with all pixels
        self._rotations: dict[int, int] = {}  # by position
        self._direction = 1  # of the last step
        self._timer: Timer | None = None

    # ---- the sequence

    @property
    def current_id(self) -> int:
        """Id of the picture in front."""
        return int(self._sequence.ids[self.state.position])

    def open(self, sequence: PictureSequence, position: int) -> None:
        """Show one picture of a sequence that has any."""
        self._sequence, self._direction = sequence, 1
        self._pictures, self._loading, self._rotations = {}, set(), {}
        self._set(opened=True, total=len(sequence.ids), slide_show="off")
        self._show(position)

    def close(self) -> None:
        """Leave the sequence; `closed` is emitted."""
        if not self.state.opened:
            return
        self.stop_slide_show()
        in_front = self.current_id
        self._sequence, self._pictures = NOTHING, {}
        self._set(opened=False, picture=None, hit=None, total=0, position=0)
        self.closed.emit(in_front)

    def step(self, pictures: int) -> None:
        """Go some pictures on (> 0) or back, as far as there are any. Like all that moves, it pauses a slide show."""
        self.go_to(self.state.position + pictures)

    def go_to(self, position: int) -> None:
        """Show the picture at a position of the sequence; one beyond its ends is the first or last."""
        self.pause_slide_show()
        position = max(0, min(self.state.total - 1, position))
        if position != self.state.position:
            self._direction = 1 if position > self.state.position else -1
            self._show(position)

    def go_to_end(self) -> None:
        """Show the last picture."""
        self.go_to(self.state.total - 1)

    def leave_out(self, ids: Collection[int]) -> None:
        """Take out pictures that left the gallery; the next one comes to the front in the place of one that did."""
        kept = [image_id for image_id in self._sequence.ids if image_id not in ids]
        if len(kept) == self.state.total:
            return
        if not kept:
            self.close()
            return
        before = sum(image_id not in ids for image_id in self._sequence.ids[:self.state.position])
        self._sequence = replace(self._sequence, ids=kept)
        self._pictures, self._loading, self._rotations = {}, set(), {}
        self.pause_slide_show()
        self._set(total=len(kept))
        self._show(min(before, len(kept) - 1))

    def replace_images(self, images: "Iterable[ImageRecord]") -> None:
        """Take over changed records (tags, ratings)."""
        fresh = {image.id: image for image in images}
        for at, picture in self._pictures.items():
            image = fresh.get(int(self._sequence.ids[at]))
            if image is not None:
                self._pictures[at] = replace(picture, image=image)
        self._set(picture=self._pictures.get(self.state.position))

    def _show(self, position: int) -> None:
        near = range(position - AHEAD, position + AHEAD + 1)
        self._pictures = {at: picture.trimmed(_fitted(picture, self.state.view.view).fit)
                          for at, picture in self._pictures.items() if at in near}
        self._stop_timer()
        self._set(position=position, hit=self._sequence.hit(self._sequence.ids[position]),
                  **self._in_front(position, self.state.view.view))
        self._load_missing()

    def _in_front(self, position: int, view: Size) -> dict[str, object]:
        picture = self._pictures.get(position)
        return {"picture": picture, "view": ViewGeometry(picture.size if picture is not None else (0, 0), view,
                                                         self._rotations.get(position, 0))}

    # ---- reading

    def _wanted(self) -> list[tuple[int, bool]]:
        """Positions whose pictures are missing or too small, the most wanted first, and whether with all pixels."""
        state, front = self.state, self.state.position
        if not state.opened:
            return []
        picture = self._pictures.get(front)
        order = [front, front + self._direction, front - self._direction, front + AHEAD * self._direction]
        near = [at for at in order if 0 <= at < state.total]
        if picture is None:
            return [(front, False)]
        wanted = [] if picture.suffices(state.view.scale) else [(front, True)]
        return wanted + [(at, False) for at in near
                         if at not in self._pictures
                         or not self._pictures[at].suffices(_fitted(self._pictures[at], state.view.view).fit)]

    def _load_missing(self) -> None:
        for position, whole in self._wanted():
            if len(self._loading) >= AT_ONCE:
                return
            if not {(position, whole), (position, True)} & self._loading:
                self._loading.add((position, whole))
                self._start(self._load(self._sequence, self._loading, position, whole))

    async def _load(self, sequence: PictureSequence, loading: set[tuple[int, bool]], position: int,
                    whole: bool) -> None:
        view, limit = self.state.view.view, float(self._context.settings["images.max_megapixels"])

        def work(report: Report) -> LoadedPicture:
            return load(sequence, sequence.ids[position], view, whole, limit)

        try:
            picture = await self._context.jobs.run(_("Reading a picture"), work, quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self.failed.emit(error, _("The other pictures are not affected."))
            picture = LoadedPicture(None, problem=_("This picture could not be read. The others are not affected."))
        finally:
            loading.discard((position, whole))
        if sequence is self._sequence:
            self._keep(position, picture)
            self._load_missing()

    def _keep(self, position: int, picture: LoadedPicture) -> None:
        if abs(position - self.state.position) > AHEAD:
            return
        before = self._pictures.get(position)
        if before is not None and (before.whole or picture.problem):  # asked for more pixels than can be had
            picture = replace(before, whole=True)
        self._pictures[position] = picture
        if position == self.state.position and before is None:
            self._set(**self._in_front(position, self.state.view.view))
            self._put_off_next()
        elif position == self.state.position:  # the same with more pixels: zoom and place stay
            self._set(picture=picture)

    # ---- the view

    def resize(self, view: Size) -> None:
        """The view has another size, device px."""
        if view != self.state.view.view:
            self._set(view=replace(self.state.view, view=view))
            self._load_missing()

    def zoom(self, steps: float, at: Point | None = None) -> None:
        """Zoom in (> 0) or out around a point of the view, device px."""
        self._look(self.state.view.stepped(steps, at))

    def show_actual_size(self, at: Point | None = None) -> None:
        """Show one pixel of the picture on one of the screen."""
        self._look(self.state.view.zoomed(1.0, at))

    def fit(self) -> None:
        """Show the whole picture."""
        self._look(self.state.view.fitted())

    def toggle_actual_size(self, at: Point | None = None) -> None:
        """Change between the whole picture and its own size."""
        if self.state.view.zoom is None:
            self.show_actual_size(at)
        else:
            self.fit()

    def pan(self, right: float, down: float) -> None:
        """Move the picture by device pixels."""
        self._look(self.state.view.panned(right, down))

    def rotate(self, degrees: int) -> None:
        """Turn the view of the picture clockwise; the file stays as it is."""
        view = self.state.view.rotated(degrees)
        self._rotations[self.state.position] = view.rotation
        self._look(view)

    def _look(self, view: ViewGeometry) -> None:
        self.pause_slide_show()
        self._set(view=view)
        self._load_missing()

    # ---- information and slide show

    def toggle_information(self) -> None:
        """Show or hide the information."""
        self._set(information=not self.state.information)
        self._remember()

    def set_interval(self, seconds: float) -> None:
        """Show each picture of a slide show for so long."""
        self._set(interval=seconds)
        self._remember()
        self._put_off_next()

    def _remember(self) -> None:
        self._context.state.set(KEPT, {"information": self.state.information, "interval": self.state.interval})

    def start_slide_show(self) -> None:
        """Go on by itself from the picture in front, or from the first if that is the last."""
        if self.state.total > 1 and self.state.position == self.state.total - 1:
            self._show(0)
        self._set(slide_show="running")
        self._put_off_next()

    def pause_slide_show(self) -> None:
        """Wait until it is resumed; nothing if none is running."""
        if self.state.slide_show == "running":
            self._stop_timer()
            self._set(slide_show="paused")

    def stop_slide_show(self) -> None:
        """End it; the picture in front stays."""
        self._stop_timer()
        if self.state.slide_show != "off":
            self._set(slide_show="off")

    def _put_off_next(self) -> None:
        """Time the next picture from now, once the one in front is seen."""
        self._stop_timer()
        if self.state.slide_show == "running" and self.state.picture is not None:
            self._timer = self._later(self.state.interval, self._go_on)

    def _go_on(self) -> None:
        self._stop_timer()
        if self.state.position == self.state.total - 1:
            self.stop_slide_show()
        else:
            self._show(self.state.position + 1)
            self._put_off_next()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _fitted(picture: LoadedPicture, view: Size) -> ViewGeometry:
    return ViewGeometry(picture.size, view)
