"""How long work tells of itself and is stopped.

Long work is a plain function with a `report` argument. It calls `report(done, total, text)` often; whoever wants it
stopped has `report` raise `JobCancelled`. So work needs to know nothing of threads, and "cancelled" is never an error.
"""

from collections.abc import Callable

Report = Callable[[int, int, str], None]


class JobCancelled(Exception):  # noqa: N818  (not an error: the user asked for it)
    """Raised by `report` inside the work that is to stop."""


def silent(done: int, total: int, text: str) -> None:
    """A report that nobody reads."""
