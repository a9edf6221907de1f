"""Page of a panel while its content is read for the first time."""

from collections.abc import Callable

from brewclip_app.widgets.common import EmptyState, button


class ReadingPage(EmptyState):
    """Says what is being read ("the galleries"), and why that failed, with a button that tries `again`."""

    def __init__(self, icon: str, what: str, again: Callable[[], object]) -> None:
        self._what, self._again = what, again
        self.again = button("Try again", self._try_again, "main")
        super().__init__(icon, f"Reading {what}…", " ", self.again)
        self.show_problem("")

    def show_problem(self, problem: str) -> None:
        """Show why reading failed; "" while it goes on."""
        what = f"{self._what[:1].upper()}{self._what[1:]} could not be read"
        self.title.setText(what if problem else f"Reading {self._what}…")
        self.sentence.setText(problem)
        self.again.setVisible(bool(problem))

    def _try_again(self) -> None:
        self.show_problem("")
        self._again()
