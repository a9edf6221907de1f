"""Pictures: read files of many formats safely, and give a backbone the square it sees.

Reading turns a picture as its EXIF data say, puts transparent ones on white and gives RGB. The limit on pixels is held
against the header, before anything is unpacked. Every way a file can be bad is an ImageError whose `kind` is one of:

    missing       no file there              not_an_image  a folder, a text, a format that is not read here
    empty         0 bytes                    truncated     damaged or cut off
    unreadable    the system refuses         too_large     more pixels than allowed, or than the memory holds
"""

import stat
import threading
import warnings
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from core import remote
from core.errors import ImageError, StoreError

CROP_POLICIES = ("centre", "letterbox", "squash")
SEVERAL = "multi-crop"  # beyond the paper: several looks at each picture, whose mean vector is its vector
CROPS = (*CROP_POLICIES, SEVERAL)
IMAGE_SUFFIXES = frozenset((".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo",
                            ".png", ".tif", ".tiff", ".webp"))

PLAIN_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")  # none that starts a program, as EPS does
BOXED_FORMATS = ("AVIF", "HEIF")  # files of boxes that begin with "ftyp", as videos do
BOXED_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"BM")

BAR = (123, 117, 104)  # CLIP's mean colour, 0-255: the bars of a letterbox are nearly zero once normalised
NEARLY_SQUARE = 1.1  # long side to short side, up to which the centre crop shows all that matters
LONGEST_STRIP = 16  # times the short side; resized whole, a longer one would take gigabytes

TURNS = {  # by EXIF orientation; from 5 on the sides change places
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The limit is ours (`max_megapixels`, per call); Pillow's is one number for the process, and half of it only warns.
Image.MAX_IMAGE_PIXELS = None
# About odd metadata, on stderr: nothing a user could act on. (`catch_warnings` per call is not thread-safe.)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_registering = threading.Lock()
_heif_known = False


@dataclass(frozen=True)
class Picture:
    """A picture as it is meant to be seen: `rgb` in mode RGB, `width` and `height` in pixels, and when it was taken.

    `taken` is the camera's own clock, without a time zone; None when the file does not say. `rgb` is smaller than
    `width` x `height` where the reader asked for less (`at_least`).
    """

    rgb: Image.Image
    width: int
    height: int
    taken: datetime | None = None


def read(path: Path, max_megapixels: float = 200, at_least: int = 0) -> Picture:
    """The picture in a file: upright, RGB, transparent parts white; of several frames the first.

    `at_least` > 0 unpacks a JPEG at 1/2, 1/4 or 1/8 of its size, as long as no side gets shorter than that many pixels:
    faster, and the same to the eye. Not for embeddings: even at four times a backbone's side, some vectors turn away
    from the whole picture's (cosine 0.998). The path may be an address (`core.remote`). ImageError as listed above.
    """
    with _open(path) as file:
        return read_from(file, path, max_megapixels, at_least)


def read_from(file: BinaryIO, path: Path, max_megapixels: float = 200, at_least: int = 0) -> Picture:
    """`read` of a file that is open, or of its bytes; `path` is what errors call it."""
    try:
        return _decode(path, file, max_megapixels, at_least)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{path.name} does not fit into this computer's memory.", "too_large") from error
    except Exception as error:  # what decoders raise on damaged files is written down nowhere
        if isinstance(error, OSError) and error.errno is not None:  # the disk's trouble, not the picture's
            raise _unreadable(path, error) from error
        raise ImageError(f"{path.name} is damaged or cut off.", "truncated") from error


def crop_box(width: int, height: int, crop: str) -> tuple[float, float, float, float]:
    """The part of a picture that is seen: left, top, right, bottom as fractions (0-1) of its width and height."""
    _check_crop(crop, CROPS)
    if crop != "centre":
        return 0.0, 0.0, 1.0, 1.0
    side = min(width, height)
    left, top = (1 - side / width) / 2, (1 - side / height) / 2
    return left, top, 1 - left, 1 - top


def pixels(picture: Image.Image, crop: str, size: int) -> np.ndarray:
    """What a backbone sees of an RGB picture: (size, size, 3) uint8.

    centre: the short side becomes `size` (bicubic, antialiased) and the middle is cut out, equal to open_clip's and
    CLIP's own transform; letterbox: the whole picture with bars in CLIP's mean colour; squash: the whole, distorted.
    """
    _check_crop(crop, CROP_POLICIES)
    if crop == "centre":
        square = _centre(picture, size)
    elif crop == "letterbox":
        square = _letterbox(picture, size)
    else:
        square = _resized(picture, (size, size))
    return np.asarray(square)


def looks(picture: Image.Image, crop: str, size: int) -> np.ndarray:
    """All looks at an RGB picture under one of `CROPS`: (k, size, size, 3) uint8; one, or `views` for "multi-crop"."""
    return views(picture, size) if crop == SEVERAL else pixels(picture, crop, size)[None]


def views(picture: Image.Image, size: int) -> np.ndarray:
    """Several looks at an RGB picture: (k, size, size, 3) uint8. Their mean vector sees what one square leaves out.

    The centre crop, the crops at both `ends` and the whole picture with bars; a picture that is nearly square
    (`NEARLY_SQUARE`) has the first alone.
    """
    found = [pixels(picture, "centre", size)]
    for box in ends(*picture.size):
        found.append(np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=box)))
    if len(found) > 1:
        found.append(pixels(picture, "letterbox", size))
    return np.stack(found)


def ends(width: int, height: int) -> tuple[tuple[int, int, int, int], ...]:
    """The squares at both ends of the long side: left, top, right, bottom in px; () for a nearly square picture."""
    short, long = sorted((width, height))
    if long <= NEARLY_SQUARE * short:
        return ()
    return tuple((left, top, left + short, top + short) for left, top in ((0, 0), (width - short, height - short)))


def thumbnail(picture: Picture | Image.Image, side: int) -> Image.Image:
    """A smaller copy that keeps the proportions, its long side `side` pixels at most; never enlarged."""
    source = picture.rgb if isinstance(picture, Picture) else picture
    scale = min(1.0, side / max(source.size))
    target = max(1, round(source.width * scale)), max(1, round(source.height * scale))
    return source.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _open(path: Path) -> BinaryIO:
    if remote.is_remote(path):
        return BytesIO(fetched(path))
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a folder; or a pipe, which would block for ever
            raise ImageError(f"{path.name} is not a picture file.", "not_an_image")
        if not found.st_size:
            raise ImageError(f"{path.name} is empty (0 bytes).", "empty")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ImageError(f"{path.name} is not there any more; it was looked for in {path.parent}.",
                         "missing") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def fetched(path: Path) -> bytes:
    """All bytes of the picture at an address. ImageError: missing, empty, unreadable."""
    try:
        content = remote.read(path)
    except StoreError as error:
        raise ImageError(str(error), "missing" if error.kind == "not_there" else "unreadable") from error
    if not content:
        raise ImageError(f"{path.name} is empty (0 bytes).", "empty")
    return content


def _unreadable(path: Path, error: OSError) -> ImageError:
    return ImageError(f"{path.name} cannot be read: {error.strerror or error}.", "unreadable")


def _decode(path: Path, file: BinaryIO, max_megapixels: float, at_least: int) -> Picture:
    image: Image.Image = _header(path, file)
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise ImageError(f"{path.name} has {width * height / 1e6:,.0f} megapixels ({width} x {height}), more than "
                         f"the {max_megapixels:g} allowed in the settings.", "too_large")
    if at_least:
        image.draft("RGB", (at_least, at_least))  # only JPEG knows how; the others stay as they are
    image.load()
    orientation, taken = _exif(image)  # after loading: TIFF is turned by then, PNG may carry EXIF at its end
    upright = image.transpose(TURNS[orientation]) if orientation in TURNS else image
    rgb = _to_rgb(upright)
    if orientation >= 5:
        width, height = height, width
    return Picture(rgb, width, height, taken)


def _header(path: Path, file: BinaryIO) -> Image.Image:
    """The picture with its header read and no pixel unpacked. ImageError when it is no picture, or a broken one."""
    start = file.read(16)
    file.seek(0)
    boxed = start[4:8] == b"ftyp"
    if boxed:
        _register_heif()
    try:
        return Image.open(file, formats=BOXED_FORMATS if boxed else PLAIN_FORMATS)
    except UnidentifiedImageError as error:
        known = start[8:12] in (BOXED_BRANDS if boxed else (b"WEBP",)) or start.startswith(SIGNATURES)
        if known:
            raise
        raise ImageError(f"{path.name} is not a picture of a kind that is read here.", "not_an_image") from error


def _register_heif() -> None:
    """Teach Pillow HEIC, once: the library is large, and most galleries hold none."""
    global _heif_known
    with _registering:
        if not _heif_known:
            import pillow_heif

            pillow_heif.register_heif_opener(thumbnails=False)
            _heif_known = True


def _exif(image: Image.Image) -> tuple[int, datetime | None]:
    """Orientation (1-8) and date from the EXIF data; (1, None) where they are missing or damaged."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        photo = exif.get_ifd(ExifTags.IFD.Exif)
        written = (photo.get(ExifTags.Base.DateTimeOriginal) or photo.get(ExifTags.Base.DateTimeDigitized)
                   or exif.get(ExifTags.Base.DateTime))
    except Exception:  # a damaged block of metadata must not cost the picture
        return 1, None
    return orientation if orientation in TURNS else 1, _date(written)


def _date(written: object) -> datetime | None:
    """EXIF's "2024:05:01 12:30:00" as a date; None for blanks, zeros and other habits of cameras."""
    if not isinstance(written, str):
        return None
    try:
        return datetime.strptime(written.strip(" \0")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 or 32 bits, or floats, as uint8. Pillow would cut them off at 255, which makes them white."""
    values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(values.min())), float(values.max())
    if low < 0 or high > 65535:  # no scale is known: spread what is there
        return ((values - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8)
    ceiling = next(top for top in (1.0, 255.0, 65535.0) if high <= top)
    return (values * (255 / ceiling)).round().astype(np.uint8)


def _check_crop(crop: str, known: tuple[str, ...]) -> None:
    if crop not in known:
        raise ValueError(f"crop is {crop!r}, not one of {known}")


def _centre(picture: Image.Image, size: int) -> Image.Image:
    short, long = sorted(picture.size)
    if long > LONGEST_STRIP * short:
        left, top, right, bottom = crop_box(*picture.size, "centre")
        box = left * picture.width, top * picture.height, right * picture.width, bottom * picture.height
        return picture.resize((size, size), Image.Resampling.BICUBIC, box=box)
    stretched = int(size * long / short)  # cut off, not rounded, as torchvision does
    width, height = (size, stretched) if picture.width <= picture.height else (stretched, size)
    resized = picture if picture.size == (width, height) else picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _letterbox(picture: Image.Image, size: int) -> Image.Image:
    ratio = max(picture.size) / size
    width, height = max(1, round(picture.width / ratio)), max(1, round(picture.height / ratio))
    square = Image.new("RGB", (size, size), BAR)
    square.paste(_resized(picture, (width, height)), ((size - width) // 2, (size - height) // 2))
    return square


def _resized(picture: Image.Image, target: tuple[int, int]) -> Image.Image:
    """The whole picture at that size (bicubic, antialiased). Long strips are averaged down first: Pillow's table of
    weights for a side of 200 million pixels would take gigabytes.
    """
    short, long = sorted(picture.size)
    gap = 4.0 if long > LONGEST_STRIP * short else None
    return picture.resize(target, Image.Resampling.BICUBIC, reducing_gap=gap)
