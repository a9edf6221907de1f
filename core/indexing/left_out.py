"""Files that indexing left out, described for the command line and the window."""

from collections.abc import Sequence

Counts = Sequence[tuple[str, int]]
SHOWN = 8  # kinds or patterns that are named


def describe_left_out(passed: Counts, excluded: Counts) -> list[str]:
    """Sentences on pictures of kinds that are not read, and on what patterns left out; none when there is nothing."""
    words = []
    if passed:
        total = sum(number for _, number in passed)
        words.append(f"Passed over: {total} {'file' if total == 1 else 'files'} of kinds that are not read here "
                     f"({_named(passed)}).")
    if excluded:
        total = sum(number for _, number in excluded)
        words.append(f"Excluded: {total} {'folder or picture' if total == 1 else 'folders or pictures'} "
                     f"({_named(excluded)}).")
    return words


def _named(counts: Counts) -> str:
    named = [f"{number} {name}" for name, number in counts[:SHOWN]]
    rest = sum(number for _, number in counts[SHOWN:])
    return ", ".join([*named, f"{rest} others"] if rest else named)
