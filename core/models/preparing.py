"""Making the recogniser's export in a process of its own, so that nothing waits for it."""

import os
import subprocess
import sys
import time
from contextlib import suppress

from core import child_python, settings
from core.errors import ModelError
from core.home import Home, find_home
from core.localisation import _
from core.progress import Progress, Report, WorkStep

LOOK_EVERY = 0.2  # seconds
LOWEST = 19  # priority of the process, of -20..19


def prepare_apart(home: Home, title: str, report: Report) -> None:
    """Make the export of the recogniser of a home's settings, at the lowest priority.

    JobCancelled by `report` ends the process; nothing half-made is kept. ModelError ("not_made"): it failed.
    """
    child = subprocess.Popen(child_python.command("-m", "core.models.preparing"), stdin=subprocess.DEVNULL,  # noqa: S603
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             env=child_python.environment(home.environment))
    try:
        while child.poll() is None:
            report(Progress(WorkStep.EXPORTING_MODEL, subject=title))
            time.sleep(LOOK_EVERY)
    finally:
        child.kill()
        _unused, errors = child.communicate()
    if child.returncode:
        lines = errors.strip().splitlines() or ["the process was ended"]
        raise ModelError(_("{title} could not be prepared for ONNX Runtime: {lines}. Speech is recognised "
                           "in PyTorch.").format(title=title, lines=lines[-1]), "not_made")


def main() -> int:
    """Make it in this process. The program's home is that of the environment."""
    from core.models.registry import ModelRegistry

    with suppress(AttributeError, OSError):  # no such call on Windows
        os.nice(LOWEST)
    home = find_home()
    chosen = settings.load(home.settings)
    registry = ModelRegistry(home)
    registry.prepare(registry.entry(chosen).weights, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
