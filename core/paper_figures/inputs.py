"""Inputs of a figure: opened evaluations, the choice of queries, the sheet that it is drawn on."""

from dataclasses import dataclass, field

from core.errors import FigureError
from core.evaluation.archive import Evaluation
from core.paper_figures.queries import QueryChoice
from core.plots.sheet import Sheet
from core.progress import Report, silent
from core.workspace import Workspace


@dataclass(frozen=True, eq=False)
class FigureInputs:
    """Sources of a figure, and the `sheet` to draw on. `method`: of relevance maps (`core.explain.methods`)."""

    workspace: Workspace
    evaluations: tuple[Evaluation, ...]
    sheet: Sheet
    choice: QueryChoice = field(default_factory=QueryChoice)
    method: str = "gradient"
    report: Report = silent

    def check_same_data(self) -> None:
        """FigureError ("not_same") where the evaluations are not of the same utterances and pictures."""
        first = self.evaluations[0]
        for other in self.evaluations[1:]:
            if ([utterance.utterance_id for utterance in other.utterances]
                    != [utterance.utterance_id for utterance in first.utterances]
                    or [picture.image_id for picture in other.pictures]
                    != [picture.image_id for picture in first.pictures]):
                raise FigureError(f"{other.record.setup.title} and {first.record.setup.title} are not of the same "
                                  "utterances, so their ranks cannot stand side by side. Choose evaluations of one "
                                  "split.", "not_same")
