"""Copy image files into another folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import images
from core.errors import ImageError
from core.file_names import safe_name
from core.progress import Progress, Report, WorkStep, silent
from core.remote import is_remote


@dataclass(frozen=True)
class CopiedFiles:
    """`copied` new files; `failed` has a sentence on each file that could not be copied."""

    folder: Path
    copied: int
    failed: tuple[str, ...]


def copy_files(paths: Sequence[Path], folder: Path, report: Report = silent) -> CopiedFiles:
    """Copy pictures, with their times, into a folder; none that lies there is overwritten: "name (2).jpg".

    Pictures at addresses are fetched. One that fails does not end the others; JobCancelled between two files.
    """
    copied, failed = 0, []
    for number, path in enumerate(paths):
        report(Progress(WorkStep.COPYING, number, len(paths)))
        try:
            _copy(path, folder)
            copied += 1
        except ImageError as error:
            failed.append(str(error))
        except OSError as error:
            failed.append(f"{path.name} could not be copied: {error.strerror or error}.")
    return CopiedFiles(folder, copied, tuple(failed))


def _copy(path: Path, folder: Path) -> None:
    target = _free(folder, safe_name(path.name))
    try:
        with target.open("xb") as made:
            if is_remote(path):
                made.write(images.fetched(path))
            else:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, made)
        if not is_remote(path):
            shutil.copystat(path, target)
    except FileExistsError:  # another program was faster
        raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _free(folder: Path, name: str) -> Path:
    plain = Path(name)
    number, made = 1, folder / name
    while made.exists() or made.is_symlink():
        number += 1
        made = folder / f"{plain.stem} ({number}){plain.suffix}"
    return made
