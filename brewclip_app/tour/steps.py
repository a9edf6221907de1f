"""Steps of the guided tour: what each says, and the control that it points at."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.search.panel import SearchPanel


@dataclass(frozen=True)
class TourFacts:
    """Facts that decide what is true of the window now. `no_speech` says why nothing can be spoken, "" where it can;
    `results`: a query has results, else the gallery is browsed.
    """

    no_speech: str = ""
    results: bool = False
    simple: bool = False


@dataclass(frozen=True)
class TourStep:
    """A step: `words` are of the facts, `target` is the control in the Search panel."""

    title: str
    words: Callable[[TourFacts], str]
    target: Callable[[SearchPanel], QWidget]


def facts_of(panel: SearchPanel, simple: bool) -> TourFacts:
    """The facts of a Search panel under the simple interface or the full one."""
    state, microphone = panel.controller.state, panel.voice.microphone
    missing = state.speech.missing or microphone.problem or _("No microphone was found.")
    return TourFacts("" if state.can_speak else missing, state.answer is not None, simple)


def _speaking(facts: TourFacts) -> str:
    if facts.no_speech:
        return (_("{no_speech} Once speaking works: hold Space, say what you look for, and let go. Until then a typed "
                  "text does the same.").format(no_speech=facts.no_speech))
    return _("Hold Space, or press this button, and say what you look for. Let go, and the pictures are searched.")


def _looking(facts: TourFacts) -> str:
    what = (_("The best match comes first.") if facts.results
            else _("Without a query these are all pictures of the gallery."))
    return _("{what} A double click or Enter shows one over the whole window; the arrows go on, Esc comes "
             "back here.").format(what=what)


def _asking_why(facts: TourFacts) -> str:
    more = (_("Inspect is not part of the simple interface; it opens all the same.") if facts.simple else
            _("Inspect shows which words and which parts of the picture count."))
    return _("After a search, press I on a picture, or choose “Why this picture?” in its menu. {more}").format(
        more=more)


def _taking(facts: TourFacts) -> str:
    return (_("Select several with Ctrl or Shift and a click. The menu of the right button copies their files to a "
              "folder, exports a list, tags, rates, or moves them to the bin; they can be dragged out as well."))


def _details(panel: SearchPanel) -> QWidget:
    detail = panel.results.detail
    return detail if detail.isVisible() else panel.results.grid


STEPS: tuple[TourStep, ...] = (
    TourStep(_("Type what you look for"),
             lambda facts: _("Press Ctrl+L or click here, describe a picture in a few words, and press Enter. Ctrl+N "
                             "begins a new search."), lambda panel: panel.header.transcript),
    TourStep(_("Or say it"), _speaking, lambda panel: panel.header.record),
    TourStep(_("Look at the pictures"), _looking, lambda panel: panel.results.grid),
    TourStep(_("Ask why"), _asking_why, _details),
    TourStep(_("Take pictures with you"), _taking, lambda panel: panel.results.grid),
)
