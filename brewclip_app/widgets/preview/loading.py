"""Pictures read for the preview, on a worker thread: as large as the view, or with all pixels."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from brewclip_app.localisation import _, localised
from brewclip_app.thumbnails import to_qimage
from brewclip_app.widgets.preview.geometry import Size, ViewGeometry
from brewclip_app.widgets.preview.sequence import PictureSequence
from core.errors import BrewclipError, ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store.records import ImageRecord

SMALLEST_LEVEL = 1600  # px of the longer side: a copy of half the size is made of what is larger
MOST_PIXELS = 160e6  # kept of one picture; a larger one is halved, and enlarged at 100 %
GONE_FROM_GALLERY = _("This picture is not in the gallery any more. The other pictures are not affected.")


@dataclass(frozen=True, eq=False)
class LoadedPicture:
    """A picture of a sequence, or why there is none.

    `size` is that of the upright picture, px. `levels` are its pixels, each half as large as the one before; `whole`:
    the first has all of them. `image` is None for a picture that is not in its gallery any more. `problem` is a
    sentence for the user, "" where there are pixels.
    """

    image: "ImageRecord | None"
    size: Size = (0, 0)
    levels: tuple[QImage, ...] = ()
    whole: bool = False
    problem: str = ""

    def level(self, scale: float) -> int:
        """Index of the smallest level that has at least as many pixels as are shown at a scale, else the largest."""
        return next((at for at in reversed(range(len(self.levels)))
                     if self.levels[at].width() >= scale * self.size[0] - 1), 0)

    def suffices(self, scale: float) -> bool:
        """Whether no more pixels could be seen at a scale."""
        return self.whole or bool(self.problem) or self.levels[0].width() >= 0.9 * scale * self.size[0]

    def trimmed(self, scale: float) -> "LoadedPicture":
        """The picture without levels larger than a scale needs."""
        at = self.level(scale)
        return replace(self, levels=self.levels[at:], whole=False) if at else self


def load(sequence: PictureSequence, image_id: int, view: Size, whole: bool, max_megapixels: float) -> LoadedPicture:
    """Read one picture: what fills a view of that size (device px), or all its pixels."""
    from core import images

    image = None
    try:
        image = sequence.read(image_id)
        if image is None:
            return LoadedPicture(None, problem=GONE_FROM_GALLERY)
        picture = images.read(image.path, max_megapixels, 0 if whole else max(view))
        size = picture.width, picture.height
        rgb = picture.rgb
        if not whole:
            rgb = images.thumbnail(rgb, max(1, round(ViewGeometry(size, view).fit * max(size))))
        while rgb.width * rgb.height > MOST_PIXELS:
            rgb = rgb.reduce(2)
        levels = _levels(rgb)
        if any(level.isNull() for level in levels):
            raise MemoryError
    except ImageError as error:
        missing = error.kind == "missing" and image is not None and image.id == image_id
        again = _(" Index the gallery again to remove it.") if missing else ""
        return LoadedPicture(image,
                             problem=_("{error}{again} The other pictures are not affected.").format(error=error,
                                                                                                     again=again))
    except BrewclipError as error:
        return LoadedPicture(image, problem=localised(error))
    except MemoryError:
        name = image.path.name if image is not None else _("This picture")
        return LoadedPicture(image,
                             problem=_("{name} does not fit into this computer's memory. The other pictures are not "
                                       "affected.").format(name=name))
    return LoadedPicture(_completed(image, size), size, levels, whole or rgb.size == size)


def _completed(image: "ImageRecord", size: Size) -> "ImageRecord":
    """The record of a file that is in no gallery, with its size in pixels and bytes."""
    if image.width:
        return image
    try:
        nbytes = image.path.stat().st_size
    except OSError:
        nbytes = 0
    return replace(image, width=size[0], height=size[1], size=nbytes)


def _levels(rgb: "Image") -> tuple[QImage, ...]:
    levels = [to_qimage(rgb)]
    while max(rgb.size) > SMALLEST_LEVEL:
        rgb = rgb.reduce(2)
        levels.append(to_qimage(rgb))
    return tuple(levels)
