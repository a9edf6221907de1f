"""State of the Inspect screen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brewclip_app.panels.base import Inspection
from brewclip_app.panels.inspect.case import InspectCase
from core.explain.methods import METHODS
from core.progress import Progress

if TYPE_CHECKING:
    from brewclip_app.panels.inspect.case import FaithfulnessByMethod
    from core.explain.neighbours import Neighbour
    from core.explain.observation import Target, Tower


@dataclass(frozen=True, eq=False)
class InspectState:
    """All that the panel renders. `target` is the chosen score, `mix` the slider's place (0.5: the model's sum)."""

    subject: Inspection = field(default_factory=Inspection)
    case: InspectCase | None = None
    second: InspectCase | None = None
    comparing: bool = False
    target: "Target" = "fused"
    method: str = METHODS[0].name
    tower: "Tower" = "picture"  # whose test results are shown
    mix: float = 0.5
    neighbours: "tuple[Neighbour, ...]" = ()
    progress: Progress | None = None  # of the explanation; None while none is computed
    testing: tuple[int, int] | None = None
    tests: "Mapping[Target, FaithfulnessByMethod]" = field(default_factory=dict)
    notice: str = ""

    @property
    def map_target(self) -> "Target":
        """The score that the maps explain: all of it where there is only one branch."""
        return self.target if self.case is not None and self.case.has_both else "fused"

    @property
    def faithfulness(self) -> "FaithfulnessByMethod":
        """Test results of the maps of the chosen score; empty while they are not tested."""
        return self.tests.get(self.map_target, {})
