"""Thumbnails: made on threads, cached on disk and, the latest, in memory."""

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QImage, QPainter, QPixmap

from brewclip_app import theme
from brewclip_app.localisation import _
from core import caches, private_files
from core.errors import ImageError
from core.remote import is_remote

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store.records import ImageRecord

SIDES = (192, 384, 768, 1536)  # px of the longer side; the next larger one is made
MEMORY = 256 * 2**20  # bytes of pixels
WAITING = 400  # requests; older ones are forgotten, whoever still wants them asks again
THREADS = 2
QUALITY = 88  # of the JPEG on disk
GONE = _("File is gone")
UNREADABLE = _("Cannot be read")

Key = tuple[str, int]  # the picture, the side


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail, or the reason why there is none."""

    pixmap: QPixmap | None
    problem: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of its pixels."""
        return self.pixmap.width() * self.pixmap.height() * 4 if self.pixmap else 64


def key_of(image: "ImageRecord", pixels: int) -> Key:
    """Cache key of a thumbnail. The path is part of it: of two copies one may be gone."""
    side = next((size for size in SIDES if size >= pixels), SIDES[-1])
    return f"{image.path}\n{image.content_hash}\n{image.mtime}", side


def record_of(path: Path) -> "ImageRecord":
    """Record of a file that is in no gallery; its id is -1."""
    from core.store.records import ImageRecord

    try:
        changed = path.stat().st_mtime
    except OSError:
        changed = 0.0
    return ImageRecord(-1, path, 0, 0, 0, changed, None, (), "")


class Thumbnails(QObject):
    """Used from the GUI thread; `ready` carries the id of the image whose thumbnail arrived."""

    ready = Signal(int)
    _loaded = Signal(object, int, object, str)  # key, image id, QImage or None, problem

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._cache: OrderedDict[Key, Thumbnail] = OrderedDict()
        self._bytes = 0
        self._requests: OrderedDict[Key, ImageRecord] = OrderedDict()
        self._closed = False
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="thumbnails")
        self._loaded.connect(self._keep)

    def get(self, image: "ImageRecord", pixels: int) -> Thumbnail | None:
        """Thumbnail with a longer side of at least `pixels`; None until it is ready."""
        key = key_of(image, pixels)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        with self._lock:
            if self._closed:  # the window waits for its jobs and still paints
                return None
            new = key not in self._requests
            self._requests[key] = image
            self._requests.move_to_end(key)
            if len(self._requests) > WAITING:
                self._requests.popitem(last=False)
        if new:
            self._pool.submit(self._work)
        return None

    def drop_requests(self, keys: Iterable[Key]) -> None:
        """Do not make these any more, as far as they have not been begun: they are not seen."""
        with self._lock:
            for key in keys:
                self._requests.pop(key, None)

    def best_now(self, image: "ImageRecord") -> Thumbnail | None:
        """Largest thumbnail in memory, to show until the right one is ready."""
        for side in reversed(SIDES):
            thumbnail = self._cache.get(key_of(image, side))
            if thumbnail is not None:
                return thumbnail
        return None

    def forget(self) -> None:
        """Clear the memory: files may be there again."""
        self._cache.clear()
        self._bytes = 0

    def close(self) -> None:
        """Stop making thumbnails."""
        with self._lock:
            self._closed = True
            self._requests.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        """Serve the latest request first, since that is what the user looks at. On a thread."""
        with self._lock:
            if not self._requests:
                return
            key, image = self._requests.popitem()
        picture, problem = make(image, key[1], self._folder)
        with contextlib.suppress(RuntimeError):  # the window has gone
            self._loaded.emit(key, image.id, picture, problem)

    @Slot(object, int, object, str)
    def _keep(self, key: Key, image_id: int, picture: QImage | None, problem: str) -> None:
        thumbnail = Thumbnail(QPixmap.fromImage(picture) if picture is not None else None, problem)
        replaced = self._cache.pop(key, None)
        self._cache[key] = thumbnail
        self._bytes += thumbnail.bytes - (replaced.bytes if replaced else 0)
        while self._bytes > MEMORY and len(self._cache) > 1:
            self._bytes -= self._cache.popitem(last=False)[1].bytes
        self.ready.emit(image_id)


def make(image: "ImageRecord", side: int, folder: Path) -> tuple[QImage | None, str]:
    """Thumbnail from the disk cache, else from the file; or None and the reason in three words."""
    if not is_remote(image.path) and not image.path.exists():
        return None, GONE
    name = sha256(f"{image.content_hash or image.path}\n{image.mtime}".encode()).hexdigest()
    cached = folder / name[:2] / f"{name}-{side}.jpg"
    stored = QImage(str(cached)) if cached.exists() else QImage()
    if not stored.isNull():
        caches.touch(cached)
        return stored, ""
    from core import images  # numpy and Pillow: not before the first paint

    try:
        small = images.thumbnail(images.read(image.path, at_least=side), side)
    except ImageError as error:
        return None, GONE if error.kind == "missing" else UNREADABLE
    _write(small, cached)
    return to_qimage(small), ""


def to_qimage(picture: "Image") -> QImage:
    """QImage of a Pillow image, with its own memory."""
    data = picture.convert("RGB").tobytes()
    return QImage(data, picture.width, picture.height, picture.width * 3, QImage.Format.Format_RGB888).copy()


def _write(picture: "Image", path: Path) -> None:
    """Write to the cache; a full disk costs the cache, never the picture."""
    staged = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
    try:
        private_files.make_folder(path.parent, private=False)
        picture.convert("RGB").save(staged, "JPEG", quality=QUALITY)
        private_files.inherit(staged)
        staged.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)


def draw_fitted(painter: QPainter, place: QRect, small: Thumbnail | None) -> None:
    """Draw a thumbnail whole and centred in its place, or why there is none."""
    if small is None:
        return
    if small.pixmap is None:
        painter.setFont(theme.font("quiet"))
        painter.setPen(theme.colour("quiet"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, small.problem)
        return
    size = small.pixmap.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    fitted = QRect(QPoint(0, 0), size)
    fitted.moveCenter(place.center())
    painter.drawPixmap(fitted, small.pixmap)
