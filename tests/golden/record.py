"""Write `expected.json` anew: `python -m tests.golden.record`. Only for a change of a format that is meant."""

import json
import os
import tempfile
from pathlib import Path

from tests.golden import session

EXPECTED = Path(__file__).with_name("expected.json")


def main() -> None:
    """Run the session in a temporary home that shares the user's weights, and keep its outcome."""
    from core.home import find_home

    weights = find_home().weights
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        home = session.unpack(root)
        (home / "weights").symlink_to(weights)
        os.environ["BREWCLIP_HOME"] = str(home)
        outcome = session.run(root)
    EXPECTED.write_text(json.dumps(outcome, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
