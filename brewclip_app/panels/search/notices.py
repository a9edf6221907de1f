"""Notices in the place of the hits: what is missing, and the first step."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.search.gallery_status import GalleryStatus
from brewclip_app.services.indexing import DEMO
from core import plain_json

MOST_SUGGESTIONS = 4
Step = Literal["", "folder", "index", "library", "search"]


@dataclass(frozen=True)
class Notice:
    """An icon, a title and a sentence. `step` is the action of the button, "" for no button.

    `progress` shows the gallery's indexing job above the button; `suggestions` are (sentence, recording).
    """

    icon: str
    title: str
    sentence: str = ""
    step: Step = ""
    button: str = ""
    progress: bool = False
    suggestions: tuple[tuple[str, Path], ...] = ()
    invites: bool = False  # nothing is missing: the pictures of the gallery can be shown in its place


SPEAK = _("Hold Space and describe a picture in your own words, in one of many languages, or type above.")
TYPE = _("Describe a picture in your own words in the field above.")
FAILED = Notice("search", _("This search found nothing to show"))
STOPPED = Notice("search", _("The search was stopped"), "", "search", _("Search again"))
FILTERED = Notice("filter", _("No picture passes the filter"), _("Change it, or clear it."))
NO_PICTURES = Notice("library", _("There is nothing to search in yet"))


def notice_for(status: GalleryStatus, indexing: bool, speech: bool = True) -> Notice:
    """Notice for a gallery while no query is entered; `indexing`: it is being indexed now; `speech`: one can speak."""
    state = status.state
    if state is None or state.indexed > 0:
        return Notice("microphone" if speech else "search",
                      _("{text} what you look for").format(text=_("Say") if speech else _("Type")),
                      _("{speak} Everything stays on this computer.").format(speak=SPEAK if speech else TYPE),
                      suggestions=demo_queries() if state is not None and state.gallery.name == DEMO else (),
                      invites=True)
    name = state.gallery.name
    if indexing:
        return Notice("library", _("Indexing {name}").format(name=name),
                      _("You can search as soon as the first pictures are indexed."),
                      "library", _("Show in Library"), progress=True)
    if state.images == 0:
        return Notice("folder", _("No pictures in {name} yet").format(name=name),
                      _("Add a folder of pictures; they stay where they are."),
                      "folder", _("Choose a folder…"))
    if status.other_model:
        return Notice("refresh", _("The model has changed"),
                      _("{name} was indexed with another model or crop, and the two cannot be compared. {pictures} "
                        "have to be indexed again; the present index stays until then.").format(
                          name=name, pictures=wording.pictures(state.images)),
                      "index", _("Index again"))
    return Notice("refresh", _("{name} is not indexed yet").format(name=name),
                  _("{pictures} are waiting.").format(pictures=wording.pictures(state.images)), "index",
                  _("Index now"))


def demo_queries() -> tuple[tuple[str, Path], ...]:
    """Spoken queries that come with the demo: (sentence, recording)."""
    folder = Path(str(resources.files("resources").joinpath("demo")))
    table = plain_json.read(folder / "queries.json")
    return tuple((row["said"], folder / row["file"]) for row in table[:MOST_SUGGESTIONS])
