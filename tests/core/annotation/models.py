"""The registry of the tests of annotation."""

from core.home import Home
from tests.fakes import CaptionModel, FakeRegistry


class TwoModels(FakeRegistry):
    """A model that counts words and a recogniser that says what it is told."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, CaptionModel())
