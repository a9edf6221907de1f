"""Reading pictures of every kind and state, and the squares that backbones see."""

import io
import os
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from core import images
from core.errors import ImageError
from core.pixel_budget import PixelBudget


def drawn(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """A picture with a gradient and a red square in its top left corner: each turn of it looks different."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    picture = Image.fromarray(np.stack([across / 2, down, 255 - across], axis=2).astype(np.uint8))
    ImageDraw.Draw(picture).rectangle((0, 0, width // 4, height // 4), fill=(255, 0, 0))
    return picture.convert(mode)


def saved(folder: Path, name: str, picture: Image.Image, **options: object) -> Path:
    path = folder / name
    if path.suffix == ".heic":  # the program has a decoder alone
        pillow_heif.from_pillow(picture).save(path, **options)
    else:
        picture.save(path, **options)
    return path


def kind_of(path: Path, **options: float) -> str:
    with pytest.raises(ImageError) as caught:
        images.read(path, **options)
    assert path.name in str(caught.value)
    assert str(caught.value).endswith(".")
    return caught.value.kind


# --- formats -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "options", "tolerance"), [
    ("a.png", {}, 0), ("a.bmp", {}, 0), ("a.tif", {}, 0), ("a.tiff", {"compression": "tiff_lzw"}, 0),
    ("a.webp", {"lossless": True}, 0), ("a.jpg", {"quality": 95, "subsampling": 0}, 12), ("a.JPG", {"quality": 95}, 40),
    ("a.heic", {"quality": 95}, 40), ("a.avif", {"quality": 95}, 40), ("a.jp2", {}, 0), ("a.j2k", {}, 0),
    ("a.jpx", {}, 0)])
def test_reads_the_format(tmp_path: Path, name: str, options: dict[str, object], tolerance: int) -> None:
    path = saved(tmp_path, name, drawn(), **options)
    read = images.read(path)
    assert (read.rgb.mode, read.width, read.height) == ("RGB", 60, 40)
    inner = (slice(2, 8), slice(2, 12))  # inside the red square, away from edges that lossy formats blur
    difference = np.abs(np.asarray(read.rgb).astype(int)[inner] - np.asarray(drawn()).astype(int)[inner])
    assert difference.max() <= tolerance
    assert path.suffix.lower() in images.IMAGE_SUFFIXES


@pytest.mark.parametrize(("mode", "grey"), [("L", 255), ("LA", 255), ("RGBA", 255), ("I;16", 128)])
def test_every_mode_of_jpeg_2000_becomes_rgb(tmp_path: Path, mode: str, grey: int) -> None:
    white = Image.new("L", (20, 16), 255)
    picture = Image.fromarray(np.full((16, 20), 32896, np.uint16)) if mode == "I;16" else white.convert(mode)
    assert images.read(saved(tmp_path, "a.jp2", picture)).rgb.getpixel((3, 3)) == (grey,) * 3


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
def test_a_jpeg_2000_that_is_cut_off_or_claims_too_much_is_refused(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, name, drawn())
    content = path.read_bytes()
    assert kind_of(path, max_megapixels=0.001) == "too_large"
    size = content.index(b"\xff\x51") + 6  # of the codestream; a file of boxes says it a second time, before
    path.write_bytes(content[:size] + struct.pack(">II", 60_000, 60_000) + content[size + 8:])
    assert kind_of(path) == ("too_large" if name == "a.j2k" else "truncated")
    for length in (20, len(content) // 2, len(content) - 2):
        path.write_bytes(content[:length])
        assert kind_of(path) == "truncated"


def test_an_animated_gif_gives_its_first_frame(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (20, 10), (255, 0, 0)), Image.new("RGB", (20, 10), (0, 0, 255))
    path = saved(tmp_path, "a.gif", red, save_all=True, append_images=[blue])
    assert images.read(path).rgb.getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize(("mode", "name"), [
    ("L", "a.png"), ("1", "a.png"), ("P", "a.png"), ("LA", "a.png"), ("RGBA", "a.webp"), ("CMYK", "a.jpg"),
    ("YCbCr", "a.jpg"), ("LAB", "a.tif"), ("CMYK", "a.tif")])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str, name: str) -> None:
    picture = Image.new("RGB", (16, 16), "white").convert("L" if mode == "LA" else "RGB")
    converted = picture.convert("RGB").convert("L").convert(mode) if mode == "LA" else _in_mode(picture, mode)
    read = images.read(saved(tmp_path, name, converted))
    assert read.rgb.mode == "RGB"
    assert min(read.rgb.getpixel((8, 8))) >= 250


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode != "LAB":
        return picture.convert(mode)
    from PIL import ImageCms
    return ImageCms.applyTransform(picture, ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_transparency_is_put_on_white(tmp_path: Path, name: str) -> None:
    layer = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    layer.paste((255, 0, 0, 255), (0, 0, 10, 20))
    layer.putpixel((15, 15), (0, 0, 0, 128))
    rgb = images.read(saved(tmp_path, name, layer, **({"lossless": True} if name == "a.webp" else {}))).rgb
    assert rgb.getpixel((2, 2)) == (255, 0, 0)
    assert rgb.getpixel((12, 2)) == (255, 255, 255)
    assert rgb.getpixel((15, 15)) == pytest.approx((127, 127, 127), abs=1)


def test_a_palette_with_a_transparent_colour_is_put_on_white(tmp_path: Path) -> None:
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([0, 0, 0, 0, 200, 0])
    palette.paste(1, (0, 0, 5, 10))
    rgb = images.read(saved(tmp_path, "a.png", palette, transparency=0)).rgb
    assert (rgb.getpixel((2, 2)), rgb.getpixel((8, 8))) == ((0, 200, 0), (255, 255, 255))


@pytest.mark.parametrize(("values", "expected"), [
    (np.full((8, 8), 32896, np.uint16), 128),  # 16 bit: the middle of its range, not white
    (np.full((8, 8), 65535, np.uint16), 255),
    (np.full((8, 8), 0.5, np.float32), 128),
    (np.full((8, 8), 200.0, np.float32), 200),
    (np.full((8, 8), 30000, np.int32), 117)])
def test_deep_grey_keeps_its_brightness(tmp_path: Path, values: np.ndarray, expected: int) -> None:
    rgb = images.read(saved(tmp_path, "a.tif", Image.fromarray(values))).rgb
    assert rgb.getpixel((4, 4)) == pytest.approx((expected,) * 3, abs=1)


def test_sixteen_bit_png_and_values_that_are_no_number(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (4, 1))
    grey = np.asarray(images.read(saved(tmp_path, "a.png", Image.fromarray(ramp))).rgb)[0, :, 0]
    assert (grey[0], grey[-1]) == (0, 255)
    assert np.all(np.diff(grey.astype(int)) > 0)
    holes = np.array([[np.nan, -3.0], [np.inf, 7.0]], np.float32)
    assert np.asarray(images.read(saved(tmp_path, "b.tif", Image.fromarray(holes))).rgb)[:, :, 0].tolist() == [
        [76, 0], [76, 255]]


def scene(top: float, kind: type, low: float = 0.0) -> np.ndarray:
    """A ramp from `low` to `top`: what it is at 8 bits is what its picture should be."""
    return np.tile(np.linspace(low, top, 256), (40, 1)).astype(kind)


@pytest.mark.parametrize(("values", "hot"), [
    (scene(1, np.float32), 1.02), (scene(1, np.float32), 40.0), (scene(1, np.float32), -0.05),
    (scene(1.03, np.float32), 1.0), (scene(255, np.float32), 255.9), (scene(1023, np.uint16), 1023),
    (scene(4095, np.uint16), 60000), (scene(16383, np.uint16), 16383), (scene(65535, np.uint16), 65535),
    (scene(255, np.uint16), 999), (scene(4095, np.int32), 4095)])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_the_scale_of_deep_pictures_is_not_one_pixels(tmp_path: Path, values: np.ndarray, hot: float,
                                                      name: str) -> None:
    if name == "a.png" and values.dtype != np.uint16:
        pytest.skip("PNG holds no such values")
    values = values.copy()
    values[20, 7] = hot
    read = np.asarray(images.read(saved(tmp_path, name, Image.fromarray(values))).rgb)[0, :, 0].astype(int)
    assert np.abs(read - np.arange(256)).max() <= 8


def test_a_range_that_the_file_tells_is_its_scale(tmp_path: Path) -> None:
    values = scene(500, np.uint16)
    path = saved(tmp_path, "a.tif", Image.fromarray(values), tiffinfo={281: 1000})
    assert np.asarray(images.read(path).rgb).max() == pytest.approx(128, abs=1)


# --- EXIF --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("name", "options"), [
    ("a.jpg", {"quality": 95}), ("a.png", {}), ("a.tif", {}), ("a.tif", {"compression": "tiff_lzw"}),
    ("a.webp", {"lossless": True}), ("a.heic", {}), ("a.avif", {})])
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int, name: str, options: dict[str, object]) -> None:
    stored = drawn(160, 96)
    if orientation in images.TURNS:  # what a camera stores so that turning gives the picture back
        undo = {6: 8, 8: 6}.get(orientation, orientation)
        stored = stored.transpose(images.TURNS[undo])
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = images.read(saved(tmp_path, name, stored, exif=exif.tobytes(), **options))
    assert (read.width, read.height, read.rgb.size) == (160, 96, (160, 96))
    red, green, blue = read.rgb.getpixel((10, 8))
    assert red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.heic"])
def test_the_date_it_was_taken(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2001:01:01 00:00:00"  # last change: only where nothing better is known
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 18:30:09"
    assert images.read(saved(tmp_path, name, drawn(), exif=exif.tobytes())).taken == datetime(2024, 5, 17, 18, 30, 9)


@pytest.mark.parametrize(("written", "expected"), [
    ("2003:02:28 11:22:33", datetime(2003, 2, 28, 11, 22, 33)), ("0000:00:00 00:00:00", None),
    ("    :  :     :  :  ", None), ("2003:13:28 11:22:33", None), ("", None), ("2003-02-28", datetime(2003, 2, 28)),
    ("2003/02/28T11:22:33.5+02:00", datetime(2003, 2, 28, 11, 22, 33)), ("1970:01:01 00:00:00", None),
    ("2003:02:28 24:00:00", datetime(2003, 3, 1)), ("20030228112233", datetime(2003, 2, 28, 11, 22, 33)),
    ("2003:2:8 1:02", datetime(2003, 2, 8, 1, 2)), ("2003:02:28 11:22:60", datetime(2003, 2, 28, 11, 22, 59)),
    ("2003:02:28 99:22:33", None), ("yesterday", None)])
def test_odd_dates_are_no_dates(tmp_path: Path, written: str, expected: datetime | None) -> None:
    exif = Image.Exif()
    exif[0x0132] = written
    assert images.read(saved(tmp_path, "a.jpg", drawn(), exif=exif)).taken == expected


def test_an_unusable_date_falls_back_to_the_next(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2009:09:09 09:09:09"
    exif.get_ifd(0x8769)[0x9003] = "0000:00:00 00:00:00"
    assert images.read(saved(tmp_path, "a.jpg", drawn(), exif=exif.tobytes())).taken == datetime(2009, 9, 9, 9, 9, 9)
    exif.get_ifd(0x8769)[0x9004] = "2007:02:19 10:00:00"
    assert images.read(saved(tmp_path, "b.jpg", drawn(), exif=exif.tobytes())).taken == datetime(2007, 2, 19, 10)


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.jpg", drawn(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    read = images.read(path)
    assert (read.width, read.height, read.taken) == (60, 40, None)


# --- files that are bad ------------------------------------------------------------------------------------------

def test_missing_empty_folder_and_text(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "gone.jpg") == "missing"
    (tmp_path / "empty.jpg").touch()
    assert kind_of(tmp_path / "empty.jpg") == "empty"
    (tmp_path / "folder.jpg").mkdir()
    assert kind_of(tmp_path / "folder.jpg") == "not_an_image"
    (tmp_path / "text.jpg").write_text("This is a shopping list, not a photograph.")
    assert kind_of(tmp_path / "text.jpg") == "not_an_image"
    (tmp_path / "video.heic").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0" + b"\0" * 100)
    assert kind_of(tmp_path / "video.heic") == "not_an_image"
    (tmp_path / "program.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    assert kind_of(tmp_path / "program.png") == "not_an_image"


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert kind_of(tmp_path / "pipe.jpg") == "not_an_image"


def test_a_file_the_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.png", drawn())
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert kind_of(path) == "unreadable"


def test_a_disk_that_fails_half_way_is_not_called_a_damaged_picture(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.bmp", drawn())

    class Failing(io.FileIO):
        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda self, mode: io.BufferedReader(Failing(str(self))))
    assert kind_of(path) == "unreadable"


def test_a_png_named_jpg_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "really_png.jpg"
    drawn().save(path, "PNG")
    assert images.read(path).rgb.size == (60, 40)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tif", "a.webp", "a.bmp", "a.heic", "a.avif"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6])
def test_cut_off_files_are_truncated(tmp_path: Path, name: str, kept: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (80, 80, 3), np.uint8))
    path = saved(tmp_path, name, noise)
    whole = path.read_bytes()
    path.write_bytes(whole[:max(16, int(len(whole) * kept))])
    assert kind_of(path) == "truncated"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"]), st.data())
def test_no_damage_raises_anything_but_image_error(tmp_path_factory: pytest.TempPathFactory, kind: str,
                                                   data: st.DataObject) -> None:
    buffer = io.BytesIO()
    drawn(24, 16).save(buffer, kind)
    damaged = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=12)):
        damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "a.jpg"
    path.write_bytes(damaged)
    try:
        assert images.read(path, max_megapixels=5).rgb.mode == "RGB"
    except ImageError as error:
        assert error.kind in ("truncated", "not_an_image", "too_large")


def png_chunk(name: bytes, data: bytes, wrong: int = 0) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + (zlib.crc32(name + data) ^ wrong).to_bytes(4, "big")


@pytest.mark.slow
@pytest.mark.parametrize("extra", [
    png_chunk(b"tEXt", b"Comment\0hello", wrong=1), png_chunk(b"tEXt", b"Comment\0" + b"x" * (70 << 20)),
    png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * (5 << 20))), png_chunk(b"zTXt", b"Comment\0\7abc"),
    png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * (5 << 20))),
    png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"p" * (3 << 20))), png_chunk(b"iCCP", b"icc\0\5"),
    png_chunk(b"eXIf", b"MM\0*broken", wrong=1), png_chunk(b"pHYs", b"\0"), png_chunk(b"acTL", b"\0"),
    b"\x7f\xff\xff\xfftEXtno such length"])
@pytest.mark.parametrize("behind", [False, True])
def test_metadata_never_cost_a_png(tmp_path: Path, extra: bytes, behind: bool) -> None:
    path = saved(tmp_path, "a.png", drawn())
    content = path.read_bytes()
    at = content.index(b"IEND") - 4 if behind else 33
    path.write_bytes(content[:at] + extra + content[at:])
    assert np.array_equal(np.asarray(images.read(path).rgb), np.asarray(drawn()))


@pytest.mark.parametrize("segment", [
    b"\xff\xe2\x7f\xffICC_PROFILE\0\1\1 shorter than it says", b"\xff\xe1\0\x08Exif\0\0",
    b"\xff\xed\0\x10Photoshop 3.0\0",
    b"\xff\xe2\0\x10MPF\0II*\0broken..", b"\xff\xfe\x70\0a comment without its end", b"\xff\xe0\0\x04JF"])
def test_metadata_never_cost_a_jpeg(tmp_path: Path, segment: bytes) -> None:
    path = saved(tmp_path, "a.jpg", drawn(), quality=95)
    pixels, content = np.asarray(images.read(path).rgb), path.read_bytes()
    path.write_bytes(content[:2] + segment + content[2:])
    assert np.array_equal(np.asarray(images.read(path).rgb), pixels)


@pytest.mark.parametrize("options", [
    {"exif": b"Exif\0\0MM\0*" + b"e" * 99}, {"xmp": b"x" * 99}, {"icc_profile": b"p" * 99}])
def test_a_webp_cut_within_its_metadata_is_whole(tmp_path: Path, options: dict[str, bytes]) -> None:
    path = saved(tmp_path, "a.webp", drawn(), lossless=True, **options)
    content = path.read_bytes()
    at = content.index(next(iter(options.values()))[10:]) + 20
    if "icc_profile" in options:  # it comes before the pixels: damaged, not cut
        path.write_bytes(content[:12] + content[12:].replace(b"ICCP", b"ICCQ", 1))
    else:
        path.write_bytes(content[:at])
    assert np.array_equal(np.asarray(images.read(path).rgb), np.asarray(drawn()))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("tag", [270, 700, 34377, 34665, 34675])
def test_metadata_never_cost_a_tiff(tmp_path: Path, compression: str, tag: int) -> None:
    path = saved(tmp_path, "a.tif", drawn(), compression=compression, tiffinfo={tag: b"m" * 40 if tag != 34665 else 7})
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, start + 2 + 12 * int.from_bytes(content[start:start + 2], "little"), 12):
        if int.from_bytes(content[at:at + 2], "little") == tag:
            content[at + 4:at + 12] = b"\xff\xff\xff\x7f\xff\xff\xff\x7f"  # far more than the file, far behind its end
    path.write_bytes(content)
    assert np.array_equal(np.asarray(images.read(path).rgb), np.asarray(drawn()))


@pytest.mark.parametrize(("name", "options", "whole_up_to"), [
    ("a.jpg", {}, 2), ("a.jpg", {"progressive": True}, 2), ("a.jpg", {"quality": 30}, 2), ("a.png", {}, 12),
    ("a.gif", {}, 2), ("a.webp", {}, 0), ("a.bmp", {}, 0), ("a.tif", {}, 0), ("a.tif", {"compression": "tiff_lzw"}, 0)])
def test_a_missing_end_is_no_missing_picture_and_a_lost_pixel_is(tmp_path: Path, name: str, options: dict[str, object],
                                                                 whole_up_to: int) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (41, 60, 3), np.uint8))
    path = saved(tmp_path, name, noise, **options)
    pixels, content = np.asarray(images.read(path).rgb), path.read_bytes()
    for cut in (1, 2, 3, 5, 9, 12, 40, 300):
        path.write_bytes(content[:-cut])
        if cut <= whole_up_to:
            assert np.array_equal(np.asarray(images.read(path).rgb), pixels)
            continue
        try:  # padding may be all that was lost
            assert np.array_equal(np.asarray(images.read(path).rgb), pixels)
        except ImageError as error:
            assert error.kind == "truncated"
            assert "lost" in str(error)
    assert kind_of(path) == "truncated"


@pytest.mark.parametrize("cut", [0.5, 0.8, 0.99])
def test_a_progressive_jpeg_without_its_last_scans_is_refused(tmp_path: Path, cut: float) -> None:
    path = saved(tmp_path, "a.jpg", drawn(300, 200), progressive=True)
    content = path.read_bytes()
    scans = [at for at in range(len(content)) if content[at:at + 2] == b"\xff\xda"]
    path.write_bytes(content[:scans[int(len(scans) * cut)]])  # exactly where a scan begins: nothing is cut in two
    assert kind_of(path) == "truncated"


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.jpg", drawn(1000, 800), progressive=True)
    content = path.read_bytes()
    at = content.rindex(b"\xff\xda")
    path.write_bytes(content[:-2] + content[at:-2] * 2600 + content[-2:])
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was unpacked"))
    assert kind_of(path) == "too_large"


def test_pictures_that_are_read_at_once_share_one_budget_of_pixels(tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    budget = PixelBudget(5000)
    monkeypatch.setattr(images, "BUDGET", budget)
    seen: list[int] = []
    looks = images.looks

    def watch(picture: Image.Image, crop: str, size: int) -> np.ndarray:
        seen.append(budget.used)
        return looks(picture, crop, size)

    monkeypatch.setattr(images, "looks", watch)
    paths = [saved(tmp_path, f"{number}.png", drawn()) for number in range(12)]
    large = saved(tmp_path, "large.png", drawn(100, 90))  # more than the whole budget: read when it is alone
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: images.read_looks(path, "centre", 8), [*paths, large]))
    assert [one[0].width for one in found] == [60] * 12 + [100]
    assert all(used <= 5000 or used == 9000 for used in seen)
    assert budget.used == 0


def test_a_damaged_picture_gives_back_its_part_of_the_budget(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.jpg", drawn())
    path.write_bytes(path.read_bytes()[:-60])
    assert kind_of(path) == "truncated"
    assert images.BUDGET.used == 0


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header claims to be enormous."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
            + chunk(b"IEND", b""))


def test_the_pixel_limit_is_held_against_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(40_000, 40_000))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was unpacked"))
    assert kind_of(path) == "too_large"
    with pytest.raises(ImageError, match=r"1,600 megapixels \(40000 x 40000\).*120 allowed"):
        images.read(path)


def test_the_limit_is_the_callers_not_pillows(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bomb(20_000, 10_000))  # 200 megapixels: Pillow's own limit would refuse it
    assert kind_of(path, max_megapixels=200) == "truncated"
    assert kind_of(path, max_megapixels=199) == "too_large"
    assert not recwarn.list


def test_out_of_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.png", drawn())
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: (_ for _ in ()).throw(MemoryError()))
    assert kind_of(path) == "too_large"


# --- squares -----------------------------------------------------------------------------------------------------

SHAPES = [(640, 480), (480, 640), (500, 333), (224, 224), (225, 224), (30, 50), (1000, 101), (101, 1000), (3000, 2001),
          (227, 1200), (1, 1), (7, 5)]


def open_clips(picture: Image.Image, size: int, **options: object) -> np.ndarray:
    """What open_clip's own preprocessing makes of it, as uint8 before normalising."""
    import open_clip
    transform = open_clip.image_transform(size, is_train=False, mean=(0.0,) * 3, std=(1.0,) * 3, **options)
    return np.rint(transform(picture).permute(1, 2, 0).numpy() * 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [224, 336])
def test_centre_equals_open_clip(shape: tuple[int, int], size: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (shape[1], shape[0], 3), np.uint8))
    square = images.pixels(noise, "centre", size)
    assert (square.shape, square.dtype) == ((size, size, 3), np.uint8)
    assert np.array_equal(square, open_clips(noise, size))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700))
def test_centre_equals_open_clip_for_any_shape(width: int, height: int) -> None:
    if max(width, height) <= images.LONGEST_STRIP * min(width, height):
        picture = drawn(width, height)
        assert np.array_equal(images.pixels(picture, "centre", 64), open_clips(picture, 64))


def test_squash_equals_open_clip() -> None:
    picture = drawn(500, 300)
    assert np.array_equal(images.pixels(picture, "squash", 224), open_clips(picture, 224, resize_mode="squash"))


@pytest.mark.parametrize("shape", [(640, 480), (480, 640), (333, 500), (50, 30), (224, 224)])
def test_letterbox_equals_open_clip_but_for_the_colour_of_the_bars(shape: tuple[int, int]) -> None:
    picture = drawn(*shape)
    ours, theirs = images.pixels(picture, "letterbox", 224), open_clips(picture, 224, resize_mode="longest")
    bars = np.all(ours == images.BAR, axis=2)
    assert np.array_equal(ours[~bars], theirs[~bars])
    assert not theirs[bars].any()
    assert bars.mean() == pytest.approx(1 - min(shape) / max(shape), abs=0.01)


def test_a_very_long_strip_needs_no_gigabytes() -> None:
    strip = Image.new("RGB", (200_000, 2), (10, 200, 30))
    for crop in images.CROP_POLICIES:
        assert tuple(images.pixels(strip, crop, 224)[111, 112]) == (10, 200, 30)


def test_the_strips_shortcut_sees_what_the_long_way_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = drawn(1701, 100)
    short = images.pixels(picture, "centre", 112).astype(int)
    monkeypatch.setattr(images, "LONGEST_STRIP", 100)
    assert np.abs(short - images.pixels(picture, "centre", 112)).max() <= 2


@pytest.mark.parametrize(("crop", "expected"), [
    ("centre", (0.125, 0.0, 0.875, 1.0)), ("letterbox", (0.0, 0.0, 1.0, 1.0)), ("squash", (0.0, 0.0, 1.0, 1.0))])
def test_the_part_that_is_seen(crop: str, expected: tuple[float, ...]) -> None:
    assert images.crop_box(640, 480, crop) == expected


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="crop is 'middle'"):
        images.pixels(drawn(), "middle", 224)
    with pytest.raises(ValueError, match="crop is 'middle'"):
        images.crop_box(4, 3, "middle")


# --- small ones --------------------------------------------------------------------------------------------------

def test_thumbnails_keep_proportions_and_never_grow() -> None:
    assert images.thumbnail(drawn(800, 200), 100).size == (100, 25)
    assert images.thumbnail(drawn(30, 20), 100).size == (30, 20)
    assert images.thumbnail(drawn(5000, 3), 100).size == (100, 1)
    assert images.thumbnail(images.Picture(drawn(300, 300), 300, 300), 100).size == (100, 100)


@pytest.mark.slow
def test_a_jpeg_can_be_read_smaller(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, "a.jpg", drawn(1600, 1200), exif=exif, quality=95)
    small, whole = images.read(path, at_least=300), images.read(path)
    assert (small.width, small.height) == (whole.width, whole.height) == (1200, 1600)
    assert (small.rgb.size, whole.rgb.size) == ((300, 400), (1200, 1600))
    difference = np.abs(np.asarray(images.thumbnail(small, 100)).astype(int) - np.asarray(images.thumbnail(whole, 100)))
    assert difference.mean() < 2
    assert images.read(saved(tmp_path, "a.png", drawn(1600, 1200)), at_least=300).rgb.size == (1600, 1200)


def test_reading_from_many_threads(tmp_path: Path) -> None:
    names = ["a.jpg", "a.png", "a.heic", "a.webp", "a.tif"]
    paths = [saved(tmp_path, name, drawn(200, 150)) for name in names] * 12
    alone = {path: np.asarray(images.read(path).rgb) for path in paths}
    gate = threading.Barrier(4)

    def together(part: list[Path]) -> bool:
        gate.wait()
        return all(np.array_equal(np.asarray(images.read(path).rgb), alone[path]) for path in part)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(together, [paths[start::4] for start in range(4)]))
