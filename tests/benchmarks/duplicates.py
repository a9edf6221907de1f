"""Duplicates: recall on made variants of real images, false groups among different ones, and time of a large gallery.

    python -m tests.benchmarks.duplicates [--images 110] [--others 660] [--rows 100000] [--dim 512]

Each image of the development data's SpokenCOCO is resized, squashed, compressed again, converted, brightened, cropped.
Hard negatives are the images themselves, Flickr8k's, and meadows with another dog: images into which a part of another
is pasted. The large gallery is of random unit vectors; it measures the products alone, without pixels.
"""

import argparse
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from core.cli.output import table
from core.duplicates import find
from core.duplicates.candidates import near_pairs
from core.duplicates.find import find_duplicates
from core.explorer import Explorer
from core.settings import Settings
from tests.benchmarks.common import DATA, own_home

Variant = tuple[str, Callable[[Image.Image], Image.Image], dict[str, int]]


def scaled(share: float) -> Callable[[Image.Image], Image.Image]:
    """Resized to a share of its sides."""
    return lambda image: image.resize((round(image.width * share), round(image.height * share)))


def cropped(share: float, across: float = 0.5, down: float = 0.5) -> Callable[[Image.Image], Image.Image]:
    """Cropped to a share of its sides; the place is 0 to 1 from the left and the top."""
    def crop(image: Image.Image) -> Image.Image:
        width, height = round(image.width * share), round(image.height * share)
        left, top = round((image.width - width) * across), round((image.height - height) * down)
        return image.crop((left, top, left + width, top + height))

    return crop


def square(image: Image.Image) -> Image.Image:
    """The middle square."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


VARIANTS: dict[str, Variant] = {
    "JPEG quality 20": (".jpg", lambda image: image, {"quality": 20}),
    "half the size": (".jpg", scaled(0.5), {"quality": 85}),
    "160 px, quality 60": (".jpg", lambda image: scaled(160 / image.width)(image), {"quality": 60}),
    "1.5 times the size": (".jpg", scaled(1.5), {"quality": 90}),
    "PNG": (".png", lambda image: image, {}),
    "WebP quality 50": (".webp", lambda image: image, {"quality": 50}),
    "squashed to a square": (".jpg", lambda image: image.resize((224, 224)), {"quality": 90}),
    "15 % brighter": (".jpg", lambda image: ImageEnhance.Brightness(image).enhance(1.15), {"quality": 90}),
    "grey": (".jpg", lambda image: image.convert("L"), {"quality": 90}),
    "crop to 95 %": (".jpg", cropped(0.95), {"quality": 90}),
    "crop to 90 %, a corner": (".jpg", cropped(0.9, 1, 1), {"quality": 90}),
    "crop to 80 %": (".jpg", cropped(0.8, 0.2, 0.7), {"quality": 90}),
    "crop to 70 %": (".jpg", cropped(0.7), {"quality": 90}),
    "middle square": (".jpg", square, {"quality": 90}),
    "crop to 80 %, 40 % of the size": (".jpg", lambda image: scaled(0.4)(cropped(0.8)(image)), {"quality": 70}),
}


def pasted(image: Image.Image, other: Image.Image, share: float = 0.3) -> Image.Image:
    """The image with an ellipse of another in it, `share` of its sides: another dog on the same meadow."""
    size = round(image.width * share), round(image.height * share)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, *size), fill=255)
    made = image.copy()
    made.paste(other.resize(size), ((image.width - size[0]) // 2, (image.height - size[1]) * 2 // 3), mask)
    return made


def make(folder: Path, sources: list[Path], others: list[Path]) -> None:
    """Write originals, variants, hard negatives and unrelated images: `<image>--<what>`."""
    pictures = [Image.open(path).convert("RGB") for path in sources]
    for number, (path, picture) in enumerate(zip(sources, pictures, strict=True)):
        shutil.copy(path, folder / f"{path.stem}--original.jpg")
        for name, (suffix, change, options) in VARIANTS.items():
            change(picture).save(folder / f"{path.stem}--{name.replace(' %', '')}{suffix}", **options)
        pasted(picture, pictures[number - 7]).save(folder / f"{path.stem} pasted--original.jpg", quality=92)
    for path in others:
        shutil.copy(path, folder / f"{path.stem}--original.jpg")


def quality(explorer: Explorer, images: int, others: int) -> str:
    """Table of recall by variant, then precision of pairs."""
    folder = explorer.home.root / "variants"
    folder.mkdir(parents=True)
    sources = sorted((DATA / "spokencoco" / "val2017").glob("*.jpg"))[:images]
    make(folder, sources, sorted((DATA / "flickr8k").rglob("*.jpg"))[:others])
    explorer.index(folder, "variants")
    gallery = explorer.gallery("variants")
    began = time.perf_counter()
    result = find_duplicates(gallery, explorer.home.caches)
    spent = time.perf_counter() - began
    found: Counter[str] = Counter()
    right = wrong = 0
    mixed = []
    for group in result.groups:
        names = [image.path.stem.split("--") for image in group.images]
        by_picture = Counter(picture for picture, _ in names)
        originals = {picture for picture, what in names if what == "original"}
        found.update(what for picture, what in names if picture in originals and what != "original")
        pairs = sum(count * (count - 1) // 2 for count in by_picture.values())
        right += pairs
        wrong += len(names) * (len(names) - 1) // 2 - pairs
        mixed += [sorted(by_picture)] if len(by_picture) > 1 else []
    rows = [(name, f"{found[name.replace(' %', '')]} of {len(sources)}") for name in VARIANTS]
    lines = [table(rows, ("variant", "found with its original"))]
    lines.append(f"{result.images} images in {spent:.0f} s; pairs in groups: {right} right, {wrong} wrong")
    return "\n".join([*lines, *(f"one group: {', '.join(names)}" for names in mixed)])


def large(count: int, dim: int) -> str:
    """Seconds of the products of a large gallery."""
    matrix = np.random.default_rng(0).standard_normal((count, dim), np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    order = np.arange(count)
    began = time.perf_counter()
    for start in range(0, count, find.BLOCK):
        near_pairs(matrix, order, start, min(start + find.BLOCK, count), find.LEAST_COSINE)
    return f"{count} vectors of {dim}: {time.perf_counter() - began:.0f} s of products"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=110)
    parser.add_argument("--others", type=int, default=660)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    with own_home() as home:
        explorer = Explorer(home, Settings({"device": "cpu"}))
        print(quality(explorer, options.images, options.others))
        explorer.close()
    if options.rows:
        print(large(options.rows, options.dim))


if __name__ == "__main__":
    main()
