"""From the command to a painted window, against an empty Qt window started by the same Python.

    python -m tests.benchmarks.start [--rounds 5]

On the platform that QT_QPA_PLATFORM names: `offscreen` where there is no display.
"""

import argparse
import os
import re
import subprocess
import sys

from core.cli.output import table
from tests.benchmarks.common import in_turns, medians, own_home

EMPTY = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([]); window = QWidget(); window.show(); QTimer.singleShot(0, app.quit); app.exec()
"""


def start_ours() -> float:
    """Seconds from the command until the first paint, by the program's own trace."""
    process = subprocess.Popen([sys.executable, "-m", "brewclip_app"], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "BREWCLIP_TRACE_START": "1"})
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"first paint after (\d+) ms", line):
                return int(found[1]) / 1000
    finally:
        process.kill()
        process.wait()
    raise SystemExit("The window did not open.")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with own_home() as home:
        os.environ["BREWCLIP_HOME"] = str(home.root)
        painted: list[float] = []
        spent = in_turns([lambda: painted.append(start_ours()), lambda: subprocess.run([sys.executable, "-c", EMPTY])],
                         rounds)
        rows = [("brewclip-app, first paint", f"{sorted(painted[1:])[rounds // 2]:.2f} s"),
                ("an empty Qt window, start to end", f"{medians(spent)[1]:.2f} s")]
        print(table(rows, ("", "median"), right=(1,)))


if __name__ == "__main__":
    main()
