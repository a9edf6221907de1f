"""Page of a panel while its content is read for the first time."""

from collections.abc import Callable

from brewclip_app.localisation import _
from brewclip_app.widgets.common import EmptyState, button


class ReadingPage(EmptyState):
    """Says what is being read ("the galleries"), and why that failed, with a button that tries `again`."""

    def __init__(self, icon: str, what: str, again: Callable[[], object]) -> None:
        self._what, self._again = what, again
        self.again = button(_("Try again"), self._try_again, "main")
        super().__init__(icon, _("Reading {what}…").format(what=what), " ", self.again)
        self.show_problem("")

    def show_problem(self, problem: str) -> None:
        """Show why reading failed; "" while it goes on."""
        what = _("{upper}{what} could not be read").format(upper=self._what[:1].upper(), what=self._what[1:])
        self.title.setText(what if problem else _("Reading {what}…").format(what=self._what))
        self.sentence.setText(problem)
        self.again.setVisible(bool(problem))

    def _try_again(self) -> None:
        self.show_problem("")
        self._again()
