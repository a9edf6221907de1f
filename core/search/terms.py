"""Terms of a query, and the table of modalities that they come in.

No torch and no numpy here: the window and the command line import this when they start.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.localisation import _

if TYPE_CHECKING:
    from core.asr.transcript import Transcript
    from core.audio import Waveform

Kind = Literal["speech", "text", "image"]
Branch = Literal["text", "acoustic", "image"]
MINUS = "\N{MINUS SIGN}"
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # that the window steps through


@dataclass(frozen=True)
class Modality:
    """A kind of query term. `label` stands in for a term without words or a file name, `plus` and `minus` say what the
    two signs mean, `branch` names the addend that a term without an acoustic branch gives.
    """

    kind: Kind
    argument: str  # of the command line's option
    label: str
    plus: str
    minus: str
    branch: Branch


MODALITIES: tuple[Modality, ...] = (
    Modality("speech", "FILE", _("spoken query"), _("a recording of a spoken description"),
             _("a spoken description to avoid"),
             "text"),
    Modality("text", "TEXT", "text", _("a typed description"), _("a typed description to avoid"), "text"),
    Modality("image", "FILE", "picture", _("a picture to be like"), _("a picture to be unlike"), "image"),
)
BY_KIND: Mapping[Kind, Modality] = {modality.kind: modality for modality in MODALITIES}


@dataclass(frozen=True, eq=False)
class QueryTerm:
    """One term of a query; a negative `weight` takes it away.

    text: `text`. speech: `waveform` or `path`, and its words in `text` once they are known: with words nothing is
    transcribed, while the voice still counts under a model that uses it. `edited`: the user changed those words.
    image: `image_id` of an indexed picture, or `path` of any.
    """

    kind: Kind
    text: str = ""
    path: Path | None = None
    image_id: int | None = None
    waveform: "Waveform | None" = None
    transcript: "Transcript | None" = None
    edited: bool = False
    weight: float = 1.0

    @property
    def label(self) -> str:
        """Its words or its file's name, for people."""
        name = (self.path.name if self.path else "") if self.kind == "image" else self.text
        return name or BY_KIND[self.kind].label

    @property
    def ready(self) -> bool:
        """Whether its content is known: an utterance that was not transcribed has no words yet."""
        return self.kind != "speech" or bool(self.text)

    def flipped(self) -> "QueryTerm":
        """The same with the other sign."""
        return replace(self, weight=-self.weight)

    def weighing(self, size: float) -> "QueryTerm":
        """The same with another weight > 0, its sign kept."""
        return replace(self, weight=size if self.weight > 0 else -size)

    def stepped(self, steps: int) -> "QueryTerm":
        """The same, some steps of `WEIGHTS` heavier or lighter."""
        nearest = min(range(len(WEIGHTS)), key=lambda at: abs(WEIGHTS[at] - abs(self.weight)))
        return self.weighing(WEIGHTS[min(len(WEIGHTS) - 1, max(0, nearest + steps))])

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`. The recording is not in it."""
        return {"kind": self.kind, "text": self.text, "path": str(self.path or ""), "image_id": self.image_id,
                "edited": self.edited, "weight": self.weight}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "QueryTerm":
        """The term of `to_json`. KeyError, TypeError if damaged."""
        path = Path(values["path"]) if values["path"] else None
        return cls(values["kind"], values["text"], path, values["image_id"], edited=values["edited"],
                   weight=values["weight"])


class _Labelled(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def weight(self) -> float: ...


def text_of(terms: Sequence[_Labelled]) -> str:
    """A query as people write it: "beach + IMG_1.jpg \N{MINUS SIGN} people"."""
    return " ".join(f"{'+' if term.weight >= 0 else MINUS} {term.label}" for term in terms).removeprefix("+ ")


def source_of(kinds: Iterable[Kind]) -> Literal["speech", "text", "image", "mixed"]:
    """The modality of a query's terms, "mixed" where there are several."""
    modalities = set(kinds)
    return modalities.pop() if len(modalities) == 1 else "mixed"
