"""What stands in the place of the hits while there are none: what goes there, and the first step."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from brewclip_app import wording
from brewclip_app.panels.search.flow import GalleryView
from brewclip_app.services.indexing import DEMO
from core import plain_json

MOST_SUGGESTIONS = 4


@dataclass(frozen=True)
class Notice:
    """`step` is what the button does: "folder", "index", "library"; empty for no button."""

    icon: str
    title: str
    sentence: str
    step: str = ""
    button: str = ""


READY = Notice("microphone", "Say what you look for",
               "Hold Space and describe a picture in your own words, in one of many languages, or type above. "
               "Everything stays on this computer.")


def notice_for(view: GalleryView, indexing: bool) -> Notice:
    """What to say of a gallery while nothing is asked, or nothing can be."""
    state = view.state
    if state is None or (state.indexed > 0 and not indexing):
        return READY
    name = state.gallery.name
    if indexing and state.indexed == 0:
        return Notice("library", f"Indexing {name}", "You may ask as soon as the first pictures are in.", "library",
                      "Show it in the Library")
    if state.indexed > 0:
        return READY
    if state.images == 0:
        return Notice("folder", f"No pictures in {name} yet", "Add a folder of pictures; they stay where they are.",
                      "folder", "Choose a folder…")
    if view.other_model:
        return Notice("refresh", "Another model looks at the pictures now",
                      f"{name} was indexed with another model or crop, and the two cannot be compared. "
                      f"{wording.pictures(state.images)} have to be indexed again; what there is stays until then.",
                      "index", "Index again")
    return Notice("refresh", f"{name} is not indexed yet", f"{wording.pictures(state.images)} are waiting.", "index",
                  "Index now")


def suggestions(gallery: str) -> tuple[tuple[str, Path], ...]:
    """Spoken queries that come with the demo: (words, recording); none elsewhere."""
    if gallery != DEMO:
        return ()
    folder = Path(str(resources.files("resources").joinpath("demo")))
    table = plain_json.read(folder / "queries.json")
    return tuple((row["said"], folder / row["file"]) for row in table[:MOST_SUGGESTIONS])
