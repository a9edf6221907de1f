"""Problems of a dataset folder: one table of kinds, and the collector that loaders write into."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

EXAMPLES = 5


@dataclass(frozen=True)
class ProblemKind:
    """One kind of defect: `what` names it in reports, `outcome` says what is done about it."""

    key: str
    what: str
    outcome: str


PROBLEM_KINDS: tuple[ProblemKind, ...] = (
    ProblemKind("missing_list", "missing lists", "what they would say is not known"),
    ProblemKind("unreadable_list", "unreadable lists", "nothing of them is used"),
    ProblemKind("unreadable_shard", "Parquet or tar files that cannot be read", "nothing of them is used"),
    ProblemKind("truncated_shard", "tar files that break off", "used up to the break"),
    ProblemKind("malformed", "malformed lines", "left out; the other lines are used"),
    ProblemKind("blank", "blank lines", "skipped"),
    ProblemKind("encoding", "lines that are not UTF-8", "read as Windows-1252 or Latin-1"),
    ProblemKind("bom", "byte order marks", "skipped"),
    ProblemKind("crlf", "lists with Windows line ends", "read as they are meant"),
    ProblemKind("leaves", "paths that leave the folder", "not opened; the record stays, without its file"),
    ProblemKind("links_out", "symbolic links that lead out of the folder",
                "not opened; if you trust them, allow it with Follow links"),
    ProblemKind("other_spelling", "files whose names differ in upper and lower case from the list's",
                "used as they are found"),
    ProblemKind("doubled_folder", "files one folder deeper than the list says", "used from there"),
    ProblemKind("missing_picture", "missing pictures", "their utterances have nothing to find"),
    ProblemKind("empty_picture", "empty pictures", "cannot be shown to a model"),
    ProblemKind("unreadable_picture", "unreadable pictures", "cannot be shown to a model"),
    ProblemKind("missing_recording", "missing recordings", "kept as utterances that cannot be heard"),
    ProblemKind("empty_recording", "empty recordings", "kept as utterances that cannot be heard"),
    ProblemKind("truncated_recording", "recordings that break off", "kept as utterances that cannot be heard"),
    ProblemKind("unreadable_recording", "unreadable recordings", "kept as utterances that cannot be heard"),
    ProblemKind("stereo", "stereo recordings", "mixed down to one channel"),
    ProblemKind("nested", "nested duplicates", "left out; the outer copy is used"),
    ProblemKind("differing_copy", "nested copies of another size", "left out; the outer recording is used"),
    ProblemKind("no_recording", "captions without a recording", "kept apart from the utterances"),
    ProblemKind("no_caption", "recordings without a caption", "used only where a list names their picture"),
    ProblemKind("empty_caption", "empty captions", "kept, with no words"),
    ProblemKind("unlisted_picture", "pictures without a caption", "not used"),
    ProblemKind("odd_id", "odd ids", "kept exactly as written"),
    ProblemKind("duplicate_id", "duplicate ids", "the first is used"),
    ProblemKind("several_pictures", "recordings that fit several pictures", "the first picture is used"),
    ProblemKind("recording_part", "captions of parts of recordings",
                "left out; save each utterance as a recording of its own"),
    ProblemKind("foreign_source", "recordings from commands, addresses or memory", "not run and not fetched; left out"),
    ProblemKind("no_split", "pictures in no split", "in neither training nor test"),
    ProblemKind("two_splits", "pictures in two splits", "kept in the test or dev split, not in training"),
    ProblemKind("missing_actor", "missing actors", "protocols go by the actors that are there"),
    ProblemKind("missing_take", "missing recordings of actors", "there is no utterance for them"),
    ProblemKind("missing_emotion", "missing emotions", "protocols go by the emotions that are there"),
    ProblemKind("other_material", "files that are not speech of RAVDESS", "left out"),
)

COST_PAIRS = ("links_out", "leaves", "missing_picture", "missing_recording", "no_recording", "missing_list",
              "unreadable_list", "unreadable_shard", "truncated_shard")

BY_KEY: Mapping[str, ProblemKind] = MappingProxyType({kind.key: kind for kind in PROBLEM_KINDS})


@dataclass(frozen=True)
class Problem:
    """All defects of one kind. `items` names each: a path below the folder, an id, or "list line 12: why"."""

    key: str
    items: tuple[str, ...]

    @property
    def what(self) -> str:
        """The kind in words."""
        return BY_KEY[self.key].what

    @property
    def outcome(self) -> str:
        """Consequence of the problem, in words."""
        return BY_KEY[self.key].outcome

    @property
    def count(self) -> int:
        """Number of occurrences."""
        return len(self.items)

    @property
    def examples(self) -> tuple[str, ...]:
        """The first five of them."""
        return self.items[:EXAMPLES]


class Problems:
    """Collects defects while a folder is read."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._items: dict[str, list[str]] = {problem.key: list(problem.items) for problem in problems}

    def add(self, key: str, item: str) -> None:
        """Note one defect of a kind of `PROBLEM_KINDS`."""
        self._items.setdefault(BY_KEY[key].key, []).append(printable(item))

    def found(self) -> tuple[Problem, ...]:
        """Problems in the table's order."""
        return tuple(Problem(kind.key, tuple(self._items[kind.key])) for kind in PROBLEM_KINDS
                     if kind.key in self._items)


def printable(text: str) -> str:
    """The text without what cannot be encoded (lone surrogates of a broken file name or JSON escape)."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def pair_losses(problems: Iterable[Problem]) -> tuple[str, str]:
    """Why pictures or recordings of a dataset cannot be used, as the end of a sentence, and the kind of error: "links"
    where symbolic links are among the reasons, else "nothing_usable".
    """
    losses = [problem for problem in problems if problem.key in COST_PAIRS]
    words = "; ".join(f"{problem.count} {problem.what} ({problem.outcome})" for problem in losses)
    kind = "links" if any(problem.key == "links_out" for problem in losses) else "nothing_usable"
    return (f": {words}" if words else "") + ". `brewclip dataset` lists everything about the folder.", kind
