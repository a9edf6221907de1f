"""Check of the sound system in a child process: with a broken ALSA set-up PortAudio ends the process that loads it."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence

from core import child_python

COMMAND = tuple(child_python.command("-m", "brewclip_app.capture.sound_check"))
PATIENCE = 20.0  # seconds; a healthy set-up answers in 0.1 to 0.3, a Bluetooth device that wakes up in 3
RETRY = "Mend the sound set-up of the system, then try again."
HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows: no console flashes up


class SoundSystemError(Exception):
    """The sound system cannot be loaded: the message says why, that the program is safe, and what to do."""


def check(command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
    """Load the sound system in a child process; SoundSystemError when that ends the child or hangs for `patience` s.

    What a child survives, such as a missing library, is no matter: this process meets it as an exception.
    """
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,  # noqa: S603  (our own module)
                               env=child_python.environment(), timeout=patience, check=False, creationflags=HIDDEN)
    except subprocess.TimeoutExpired as error:
        raise SoundSystemError(f"No microphone can be used: the sound system did not answer for {patience:.0f} "
                               f"seconds. {RETRY}") from error
    except OSError as error:
        raise SoundSystemError(f"No microphone can be used: the sound system could not be checked "
                               f"({error.strerror or error}). Try again.") from error
    if ended.returncode != 0:
        raise SoundSystemError(f"No microphone can be used: the sound system crashes when it is loaded "
                               f"({_how(ended.returncode, ended.stderr)}). {RETRY}")


def load() -> None:
    """Program that `check` runs in a child: load PortAudio and list its devices."""
    with contextlib.suppress(Exception):  # this process is about the ends that no exception tells of
        import sounddevice

        sounddevice.query_devices()


def _how(code: int, output: bytes) -> str:
    """Exit of the child and its last line: "SIGABRT; Assertion 'card >= 0' failed"."""
    name = f"exit code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return "; ".join([name, *lines[-1:]])


def _leave_no_core() -> None:
    """A crash is foreseen here: leave no core file."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _leave_no_core()
    load()
    sys.exit(0)
