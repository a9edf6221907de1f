"""Problems of a dataset folder: one table of kinds, and the collector that loaders write into."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.localisation import _

EXAMPLES = 5


@dataclass(frozen=True)
class ProblemKind:
    """One kind of defect: `what` names it in reports, `outcome` says what is done about it."""

    key: str
    what: str
    outcome: str


PROBLEM_KINDS: tuple[ProblemKind, ...] = (
    ProblemKind("missing_list", _("missing lists"), _("what they would say is not known")),
    ProblemKind("unreadable_list", _("unreadable lists"), _("nothing of them is used")),
    ProblemKind("unreadable_shard", _("Parquet or tar files that cannot be read"), _("nothing of them is used")),
    ProblemKind("truncated_shard", _("tar files that break off"), _("used up to the break")),
    ProblemKind("malformed", _("malformed lines"), _("left out; the other lines are used")),
    ProblemKind("blank", _("blank lines"), "skipped"),
    ProblemKind("encoding", _("lines that are not UTF-8"), _("read as Windows-1252 or Latin-1")),
    ProblemKind("bom", _("byte order marks"), "skipped"),
    ProblemKind("crlf", _("lists with Windows line ends"), _("read as they are meant")),
    ProblemKind("leaves", _("paths that leave the folder"), _("not opened; the record stays, without its file")),
    ProblemKind("links_out", _("symbolic links that lead out of the folder"),
                _("not opened; if you trust them, allow it with Follow links")),
    ProblemKind("other_spelling", _("files whose names differ in upper and lower case from the list's"),
                _("used as they are found")),
    ProblemKind("doubled_folder", _("files one folder deeper than the list says"), _("used from there")),
    ProblemKind("missing_picture", _("missing pictures"), _("their utterances have nothing to find")),
    ProblemKind("empty_picture", _("empty pictures"), _("cannot be shown to a model")),
    ProblemKind("unreadable_picture", _("unreadable pictures"), _("cannot be shown to a model")),
    ProblemKind("missing_recording", _("missing recordings"), _("kept as utterances that cannot be heard")),
    ProblemKind("empty_recording", _("empty recordings"), _("kept as utterances that cannot be heard")),
    ProblemKind("truncated_recording", _("recordings that break off"), _("kept as utterances that cannot be heard")),
    ProblemKind("unreadable_recording", _("unreadable recordings"), _("kept as utterances that cannot be heard")),
    ProblemKind("stereo", _("stereo recordings"), _("mixed down to one channel")),
    ProblemKind("nested", _("nested duplicates"), _("left out; the outer copy is used")),
    ProblemKind("differing_copy", _("nested copies of another size"), _("left out; the outer recording is used")),
    ProblemKind("no_recording", _("captions without a recording"), _("kept apart from the utterances")),
    ProblemKind("no_caption", _("recordings without a caption"), _("used only where a list names their picture")),
    ProblemKind("empty_caption", _("empty captions"), _("kept, with no words")),
    ProblemKind("unlisted_picture", _("pictures without a caption"), _("not used")),
    ProblemKind("odd_id", _("odd ids"), _("kept exactly as written")),
    ProblemKind("duplicate_id", _("duplicate ids"), _("the first is used")),
    ProblemKind("several_pictures", _("recordings that fit several pictures"), _("the first picture is used")),
    ProblemKind("recording_part", _("captions of parts of recordings"),
                _("left out; save each utterance as a recording of its own")),
    ProblemKind("foreign_source", _("recordings from commands, addresses or memory"),
                _("not run and not fetched; left out")),
    ProblemKind("no_split", _("pictures in no split"), _("in neither training nor test")),
    ProblemKind("two_splits", _("pictures in two splits"), _("kept in the test or dev split, not in training")),
    ProblemKind("missing_actor", _("missing actors"), _("protocols go by the actors that are there")),
    ProblemKind("missing_take", _("missing recordings of actors"), _("there is no utterance for them")),
    ProblemKind("missing_emotion", _("missing emotions"), _("protocols go by the emotions that are there")),
    ProblemKind("other_material", _("files that are not speech of RAVDESS"), _("left out")),
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
    return (f": {words}" if words else "") + _(". `brewclip dataset` lists everything about the folder."), kind
