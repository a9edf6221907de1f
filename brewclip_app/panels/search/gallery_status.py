"""Status of the galleries, as the Search panel shows it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.localisation import _
from core.remote import is_remote

if TYPE_CHECKING:
    from core.explorer import Explorer
    from core.store.records import GalleryState

MOST_FOLDERS = 60


@dataclass(frozen=True)
class GalleryStatus:
    """Names of all galleries, and the state of the current one: None when there is no gallery of its name."""

    names: tuple[str, ...] = ()
    state: "GalleryState | None" = None
    tags: tuple[tuple[str, int], ...] = ()
    folders: tuple[Path, ...] = ()
    expected: int = 0  # images of the gallery at the end of an indexing run that has not ended

    @property
    def summary(self) -> str:
        """ "Gallery Holiday pictures · 8 091 of 8 094 indexed"."""
        if self.state is None:
            return _("No gallery yet") if not self.names else ""
        state = self.state
        return (_("Gallery {name} · {indexed} of {max} indexed").format(name=state.gallery.name,
                                                                        indexed=wording.count(state.indexed),
                                                                        max=wording.count(max(state.images
                                                                                              + state.failed,
                                                                                              self.expected))))

    @property
    def unreadable(self) -> str:
        """ "3 could not be read"; "" when all could."""
        failed = self.state.failed if self.state is not None else 0
        return _("{failed} could not be read").format(failed=wording.count(failed)) if failed else ""

    @property
    def other_model(self) -> bool:
        """Whether the gallery has embeddings, but none of the current model."""
        return self.state is not None and self.state.indexed == 0 and bool(self.state.fingerprints)


def gallery_status(explorer: "Explorer", name: str) -> GalleryStatus:
    """Status of the gallery of a name. In a job."""
    names = (*(record.name for record in explorer.store.galleries()), *explorer.addresses())
    if name not in names:
        return GalleryStatus(names)
    gallery = explorer.gallery(name)
    state = gallery.state(explorer.fingerprint().hash)
    unfinished = explorer.unfinished.of(gallery.info)
    return GalleryStatus(names, state, tuple(gallery.tags()), folders_of(state.gallery.folders),
                         unfinished.found if unfinished is not None else 0)


def folders_of(roots: tuple[Path, ...]) -> tuple[Path, ...]:
    """Folders of a gallery and those directly below them, as far as they can be read."""
    folders: list[Path] = []
    for root in roots:
        folders.append(root)
        if is_remote(root):
            continue
        try:
            folders += sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError:  # a disk that is not plugged in: its pictures are still found by the gallery
            continue
    return tuple(folders[:MOST_FOLDERS])
