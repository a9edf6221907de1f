"""`brewclip` over the little models: `python little_cli.py train DIR --out RUN ...`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import little

from core import explorer
from core.cli import main
from core.home import Home
from core.settings import Settings


class Opened(little.LittleExplorer):
    """The little world in the home and under the settings of the command line."""

    def __init__(self, home: Home, settings: Settings) -> None:
        super().__init__(home.root)


explorer.Explorer = Opened

if __name__ == "__main__":
    sys.exit(main())
