"""COCO's names: one picture has one number, whichever release (2014, 2017) and folder it is found in."""

import re

FOLDERS = ("", "images", "coco", "mscoco")  # where the folders of pictures may lie
PICTURE = re.compile(r"(?:COCO_(?:train|val|test)2014_)?(?P<number>\d{12})\.jpg")


def image_id(name: str) -> str:
    """COCO's number without zeros in front ("18575"), the same in both releases; other names stay as they are."""
    match = PICTURE.fullmatch(name.replace("\\", "/").rsplit("/", 1)[-1])
    return match["number"].lstrip("0") or "0" if match else name


def file_names(name: str) -> tuple[str, ...]:
    """The name, and the names that the same picture has in the other releases."""
    number = image_id(name)
    return (name, *(other for other in numbered(number) if other != name)) if number != name else (name,)


def numbered(number: str) -> tuple[str, ...]:
    """Every path that the picture with this number may have, those of 2017 first."""
    padded = number.zfill(12)
    return (f"val2017/{padded}.jpg", f"train2017/{padded}.jpg", f"val2014/COCO_val2014_{padded}.jpg",
            f"train2014/COCO_train2014_{padded}.jpg")
