"""Read image files of many formats safely, and crop them for a backbone.

Reading applies the EXIF orientation, puts transparent images on white and returns RGB. The pixel limit is checked
against the header before anything is decoded, and all threads share one pixel budget (`core.pixel_budget`). Damaged
metadata and a missing end marker are repaired (`core.image_repair`). Every problem of a file is an ImageError whose
`kind` is one of:

    missing       no file there              not_an_image  a folder, a text, a format that is not read here
    empty         0 bytes                    truncated     damaged or cut off: some pixels are lost
    unreadable    the system refuses         too_large     more pixels than allowed or than the memory holds, or more
                                                           passes over them than take reasonable time
"""

import hashlib
import stat
import threading
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from core import dates, remote
from core.deep_pixels import eight_bits
from core.errors import ImageError, StoreError
from core.image_repair import attempts
from core.localisation import _
from core.pixel_budget import PixelBudget

CROP_POLICIES = ("centre", "letterbox", "squash")
BILINEAR = "-bilinear"  # ends the name of a policy that resizes so; the others resize bicubically
OWN_CROPS = ("centre-bilinear", "squash-bilinear", "longest", "longest-bilinear")  # of some models, as open_clip does
SEVERAL = "multi-crop"  # beyond the paper: several looks at each picture, whose mean vector is its vector
CROPS = (*CROP_POLICIES, SEVERAL)
IMAGE_SUFFIXES = frozenset((".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc",
                            ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".png", ".tif", ".tiff", ".webp"))
OTHER_SUFFIXES = frozenset((  # pictures and films of kinds that are not read here, which people expect to be found
    ".3fr", ".ai", ".arw", ".avi", ".cr2", ".cr3", ".crw", ".cur", ".dcm", ".dcr", ".dds", ".djvu", ".dng", ".eps",
    ".erf", ".exr", ".fits", ".hdr", ".icns", ".ico", ".iiq", ".jxl", ".jxr", ".kdc",
    ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mrw", ".mts", ".nef", ".nrw", ".orf", ".pam", ".pbm", ".pcx", ".pef",
    ".pgm", ".pnm", ".ppm", ".psb", ".psd", ".qoi", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".svg",
    ".svgz", ".tga", ".wdp", ".webm", ".wmv", ".x3f", ".xcf"))

PLAIN_FORMATS = ("JPEG", "JPEG2000", "PNG", "WEBP", "GIF", "TIFF", "BMP")  # none that starts a program, as EPS does
BOXED_FORMATS = ("AVIF", "HEIF")  # files of boxes that begin with "ftyp", as videos do
BOXED_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
JPEG_2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")  # a file of boxes, and a bare codestream
SIGNATURES = (b"\xff\xd8\xff", *JPEG_2000, b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"BM")

BAR = (123, 117, 104)  # CLIP's mean colour, 0-255: the bars of a letterbox are nearly zero once normalised
MAX_MEGAPIXELS = 120.0  # all cameras of one shot; a decoded picture takes 4 bytes a pixel, twice that with its RGB copy
BUDGET = PixelBudget()
FEW_SCANS = 20  # passes over a JPEG that are always allowed
SCANNED_MEGAPIXELS = 1000  # passes times megapixels that are allowed beyond
REPAIRED_UP_TO = 256 << 20  # bytes of a file that is damaged
BAND_PIXELS = 1 << 22  # that are put on white at once

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
    """An upright image: `rgb` in mode RGB, `width` and `height` in pixels, and when it was taken.

    `taken` is the camera's own clock, without a time zone; None when the file does not say. `rgb` is smaller than
    `width` x `height` where the reader asked for less (`at_least`).
    """

    rgb: Image.Image
    width: int
    height: int
    taken: datetime | None = None


def read(path: Path, max_megapixels: float = MAX_MEGAPIXELS, at_least: int = 0) -> Picture:
    """Read an image file: upright, RGB, transparent parts white; the first of several frames.

    `at_least` > 0 unpacks a JPEG at 1/2, 1/4 or 1/8 of its size, as long as no side gets shorter than that many pixels:
    faster, and the same to the eye. Not for embeddings: even at four times a backbone's side, some vectors turn away
    from the whole picture's (cosine 0.998). The path may be an address (`core.remote`). ImageError as listed above.
    """
    with _open(path) as file:
        return read_from(file, path, max_megapixels, at_least)


def read_from(file: BinaryIO, path: Path, max_megapixels: float = MAX_MEGAPIXELS, at_least: int = 0) -> Picture:
    """`read` of a file that is open, or of its bytes; `path` is what errors call it."""
    with ExitStack() as held:
        return _read(path, file, max_megapixels, at_least, held)


def read_looks(path: Path, crop: str, size: int, max_megapixels: float = MAX_MEGAPIXELS,
               content: bytes | None = None) -> tuple[Picture, np.ndarray]:
    """A file's picture, its `rgb` no larger than a look, and all `looks` at it, for indexing many at once.

    The whole picture is given up before others may take its place in the budget of pixels. `content` are the bytes of
    the file, if they are here already. ImageError as listed above.
    """
    if content is not None and not content:
        raise ImageError(_("{name} is empty (0 bytes).").format(name=path.name), "empty")
    with BytesIO(content) if content is not None else _open(path) as file, ExitStack() as held:
        picture = _read(path, file, max_megapixels, 0, held)
        try:
            crops = looks(picture.rgb, crop, size)
        except MemoryError as error:
            raise _no_room(path) from error
        small = Image.fromarray(crops[0])
        return Picture(small, picture.width, picture.height, picture.taken), crops


def _read(path: Path, file: BinaryIO, max_megapixels: float, at_least: int, held: ExitStack) -> Picture:
    """Decode, or repair and decode; the pixel budget is held until `held` is closed."""
    try:
        return _decode(path, file, max_megapixels, at_least, held)
    except ImageError:
        raise
    except MemoryError as error:
        raise _no_room(path) from error
    except Exception as error:  # what decoders raise on damaged files is written down nowhere
        if isinstance(error, OSError) and error.errno is not None:  # the disk's trouble, not the picture's
            raise _unreadable(path, error) from error
        held.close()
        repaired = _repaired(path, file, max_megapixels, at_least, held)
        if repaired is None:
            raise ImageError(_("{name} is damaged or cut off: part of the picture is lost.").format(name=path.name),
                             "truncated") from error
        return repaired


def _repaired(path: Path, file: BinaryIO, max_megapixels: float, at_least: int, held: ExitStack) -> Picture | None:
    """The image of a file with damaged metadata or end; None when pixels seem lost."""
    try:
        file.seek(0)
        content = file.read(REPAIRED_UP_TO + 1)
        for attempt in attempts(content) if len(content) <= REPAIRED_UP_TO else ():
            picture = _agreed(path, attempt, max_megapixels, at_least, held)
            if picture is not None:
                return picture
    except OSError as error:
        raise _unreadable(path, error) from error
    except MemoryError as error:
        raise _no_room(path) from error
    return None


def _agreed(path: Path, contents: tuple[bytes, ...], max_megapixels: float, at_least: int,
            held: ExitStack) -> Picture | None:
    """The image that all of these contents decode to; None when they differ."""
    found: Picture | None = None
    first = b""
    for content in contents:
        held.close()
        try:
            picture = _decode(path, BytesIO(content), max_megapixels, at_least, held)
        except MemoryError:
            raise
        except Exception:  # as above; an ImageError too, about a file that was made here
            return None
        digest = hashlib.sha256(picture.rgb.tobytes()).digest()
        if found is not None and digest != first:
            return None
        found, first = found or picture, digest
    return found


def _no_room(path: Path) -> ImageError:
    return ImageError(_("{name} does not fit into this computer's memory.").format(name=path.name), "too_large")


def crop_box(width: int, height: int, crop: str) -> tuple[float, float, float, float]:
    """The visible part of an image: left, top, right, bottom as fractions (0-1) of width and height."""
    _check_crop(crop, (*CROPS, *OWN_CROPS))
    if shape_of(crop) != "centre":
        return 0.0, 0.0, 1.0, 1.0
    side = min(width, height)
    left, top = (1 - side / width) / 2, (1 - side / height) / 2
    return left, top, 1 - left, 1 - top


def pixels(picture: Image.Image, crop: str, size: int) -> np.ndarray:
    """Crop an RGB image for a backbone: (size, size, 3) uint8.

    centre: the short side becomes `size` (bicubic, antialiased) and the middle is cut out, equal to open_clip's and
    CLIP's own transform; letterbox: the whole picture with bars in CLIP's mean colour; squash: the whole, distorted.
    Of `OWN_CROPS`, those with "-bilinear" resize so, and longest is the whole picture with black bars.
    """
    _check_crop(crop, (*CROP_POLICIES, *OWN_CROPS))
    shape = shape_of(crop)
    filtered = Image.Resampling.BILINEAR if crop.endswith(BILINEAR) else Image.Resampling.BICUBIC
    if shape == "centre":
        square = _centre(picture, size, filtered)
    elif shape == "squash":
        square = _resized(picture, (size, size), filtered)
    else:
        square = _letterbox(picture, size, filtered, BAR if shape == "letterbox" else (0, 0, 0))
    return np.asarray(square)


def shape_of(crop: str) -> str:
    """The policy without its way of resizing: "centre", "letterbox", "squash", "longest" or "multi-crop"."""
    return crop.removesuffix(BILINEAR)


def looks(picture: Image.Image, crop: str, size: int) -> np.ndarray:
    """All looks at an RGB picture under one of `CROPS`: (k, size, size, 3) uint8; one, or `views` for "multi-crop"."""
    return views(picture, size) if crop == SEVERAL else pixels(picture, crop, size)[None]


def views(picture: Image.Image, size: int) -> np.ndarray:
    """Several looks at an RGB picture: (k, size, size, 3) uint8. Their mean vector covers what one square leaves out.

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
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a folder; or a pipe, which would block for ever
            raise ImageError(_("{name} is not a picture file.").format(name=path.name), "not_an_image")
        if not status.st_size:
            raise ImageError(_("{name} is empty (0 bytes).").format(name=path.name), "empty")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ImageError(_("{name} is not there any more; it was looked for in {parent}.").format(name=path.name,
                                                                                                  parent=path.parent),
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
        raise ImageError(_("{name} is empty (0 bytes).").format(name=path.name), "empty")
    return content


def _unreadable(path: Path, error: OSError) -> ImageError:
    return ImageError(_("{name} cannot be read: {strerror}.").format(name=path.name, strerror=error.strerror or error),
                      "unreadable")


def _decode(path: Path, file: BinaryIO, max_megapixels: float, at_least: int, held: ExitStack) -> Picture:
    image: Image.Image = _header(path, file)
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise ImageError(_("{name} has {width:,.0f} megapixels ({width_2} x {height}), more than the "
                           "{max_megapixels:g} allowed in the settings.").format(name=path.name,
                                                                                 width=width * height / 1000000.0,
                                                                                 width_2=width, height=height,
                                                                                 max_megapixels=max_megapixels),
                         "too_large")
    if image.format in ("JPEG", "MPO"):
        _check_scans(path, file, width * height / 1e6)
    if at_least:
        image.draft("RGB", (at_least, at_least))  # only JPEG knows how; the others stay as they are
    held.enter_context(BUDGET.hold(image.width * image.height))
    image.load()
    orientation, taken = _exif(image)  # after loading: TIFF is turned by then, PNG may carry EXIF at its end
    image = _to_rgb(image)
    if orientation in TURNS:
        image = image.transpose(TURNS[orientation])
    if orientation >= 5:
        width, height = height, width
    return Picture(image, width, height, taken)


def _check_scans(path: Path, file: BinaryIO, megapixels: float) -> None:
    """ImageError for a JPEG of so many passes over the picture that decoding would take minutes."""
    file.seek(0)
    scans, last = 0, b""
    while block := file.read(1 << 20):
        scans += (last + block).count(b"\xff\xda")  # in the pixels themselves an 0xFF never comes before an 0xDA
        last = block[-1:]
    file.seek(0)
    if scans > FEW_SCANS and scans * megapixels > SCANNED_MEGAPIXELS:
        raise ImageError(_("{name} is a JPEG of {scans} scans, which would take minutes to decode. Saved anew by any "
                           "other program it can be read.").format(name=path.name, scans=scans), "too_large")


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
        raise ImageError(_("{name} is not a picture of a kind that is read here.").format(name=path.name),
                         "not_an_image") from error


def _register_heif() -> None:
    """Teach Pillow HEIC, once: the library is large, and most galleries hold none."""
    global _heif_known
    with _registering:
        if not _heif_known:
            import pi_heif

            pi_heif.register_heif_opener(thumbnails=False)
            _heif_known = True


def _exif(image: Image.Image) -> tuple[int, datetime | None]:
    """Orientation (1-8) and date from the EXIF data; (1, None) where they are missing or damaged."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged block of metadata must not cost the picture
        return 1, None
    return orientation if orientation in TURNS else 1, _taken(exif)


def _taken(exif: Image.Exif) -> datetime | None:
    """The first usable date: of the exposure, of the digitisation, of the last change."""
    try:
        photo = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # as above
        photo = {}
    for part, tag in ((photo, ExifTags.Base.DateTimeOriginal), (exif, ExifTags.Base.DateTimeOriginal),
                      (photo, ExifTags.Base.DateTimeDigitized), (exif, ExifTags.Base.DateTimeDigitized),
                      (exif, ExifTags.Base.DateTime)):
        date = None
        with suppress(Exception):  # as above
            date = dates.camera_date(part.get(tag))
        if date is not None:
            return date
    return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return eight_bits(image).convert("RGB")
    return _on_white(image) if image.has_transparency_data else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """The picture without its transparent parts, a band of rows at a time: whole layers would be three more copies."""
    rgb = Image.new("RGB", image.size)
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        layer = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        rgb.paste(Image.alpha_composite(white, layer).convert("RGB"), (0, top))
    return rgb


def _check_crop(crop: str, crops: tuple[str, ...]) -> None:
    if crop not in crops:
        raise ValueError(f"crop is {crop!r}, not one of {crops}")


def _centre(picture: Image.Image, size: int, filtered: Image.Resampling) -> Image.Image:
    short, long = sorted(picture.size)
    if long > LONGEST_STRIP * short:
        left, top, right, bottom = crop_box(*picture.size, "centre")
        box = left * picture.width, top * picture.height, right * picture.width, bottom * picture.height
        return picture.resize((size, size), filtered, box=box)
    stretched = int(size * long / short)  # cut off, not rounded, as torchvision does
    width, height = (size, stretched) if picture.width <= picture.height else (stretched, size)
    resized = picture if picture.size == (width, height) else picture.resize((width, height), filtered)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _letterbox(picture: Image.Image, size: int, filtered: Image.Resampling, bars: tuple[int, int, int]) -> Image.Image:
    ratio = max(picture.size) / size
    width, height = max(1, round(picture.width / ratio)), max(1, round(picture.height / ratio))
    square = Image.new("RGB", (size, size), bars)
    square.paste(_resized(picture, (width, height), filtered), ((size - width) // 2, (size - height) // 2))
    return square


def _resized(picture: Image.Image, target: tuple[int, int], filtered: Image.Resampling) -> Image.Image:
    """The whole picture at that size (antialiased). Long strips are averaged down first: Pillow's table of
    weights for a side of 200 million pixels would take gigabytes.
    """
    short, long = sorted(picture.size)
    gap = 4.0 if long > LONGEST_STRIP * short else None
    return picture.resize(target, filtered, reducing_gap=gap)
