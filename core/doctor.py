"""Checks of this computer: one finding for each part that may be missing, with what to do about it."""

import ctypes.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core import __version__, weights
from core.asr.recogniser import entry_of
from core.errors import BrewclipError
from core.home import Home
from core.inference.accelerators import has_torch
from core.models.registry import ModelRegistry
from core.settings import Settings
from core.store.store import Store

State = Literal["ok", "note", "bad"]
LEAST_FREE = 1e9  # bytes of disk; a gallery of 100 000 pictures and its caches take about half of it

# Shared libraries that Qt and PortAudio load on Linux, and Debian's packages with them. Elsewhere the wheels have them.
LINUX_LIBRARIES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("microphone", "Recording", (("portaudio", "libportaudio2"),)),
    ("window", "The window", (("EGL", "libegl1"), ("GL", "libgl1"), ("xkbcommon", "libxkbcommon0"),
                              ("dbus-1", "libdbus-1-3"), ("fontconfig", "libfontconfig1"),
                              ("xcb-cursor", "libxcb-cursor0"), ("xkbcommon-x11", "libxkbcommon-x11-0"))),
)


@dataclass(frozen=True)
class Finding:
    """One line of the report: `bad` keeps something from working, `note` is worth knowing."""

    name: str
    state: State
    text: str


def examine(home: Home, settings: Settings) -> tuple[Finding, ...]:
    """Look at everything; takes some seconds, changes nothing but making an empty store where there is none."""
    return (*_machine(), *_devices(settings), *_weights(home, settings), _store(home), *_places(home), _disk(home),
            *_libraries(), _display())


def _machine() -> Iterator[Finding]:
    yield Finding("program", "ok", f"BrewCLIP Explorer {__version__}, Python {platform.python_version()}, "
                                   f"{platform.platform(terse=True)}")
    yield Finding("processors", "ok", f"{os.cpu_count() or 1} processors")


def _devices(settings: Settings) -> Iterator[Finding]:
    if not has_torch():
        yield Finding("torch", "note", "PyTorch is not installed: Search, Library, Annotate and Settings work; other "
                                       "screens and larger models need the whole program, as its README says.")
        return
    import torch

    from core import devices

    yield Finding("torch", "ok", f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    device = devices.choose(settings["device"])
    name = torch.cuda.get_device_name() if device.name == "cuda" else device.name.upper()
    yield Finding("device", "note" if device.note else "ok", device.note or f"{name}, {device.precision_name}")


def _weights(home: Home, settings: Settings) -> Iterator[Finding]:
    folder = settings["weights.folder"]
    for status in weights.listing(home, folder):
        needed = status.weights.name == entry_of(settings["speech.recogniser"]).weights
        match status.state:
            case "damaged":
                state: State = "bad" if needed or status.weights.bundled else "note"
                text = f"damaged; `brewclip weights verify {status.weights.name}` moves it aside, then fetch it again"
            case "not here":
                state = "bad" if needed else "note"
                text = f"not on this computer; `brewclip weights fetch {status.weights.name}`"
            case found:
                state, text = "ok", f"{found}: {status.path}"
        yield Finding(f"weights {status.weights.name}", state, text)
    yield _backbone(home, settings)


def _backbone(home: Home, settings: Settings) -> Finding:
    try:
        facts = ModelRegistry(home).fingerprint(settings).facts()
    except BrewclipError as error:
        return Finding("backbone", "bad", str(error))
    return Finding("backbone", "ok", f"{facts['backbone']}, {facts['crop']} crop")


def _store(home: Home) -> Finding:
    try:
        store = Store.open(home.store)
        try:
            galleries = store.galleries()
        finally:
            store.close()
    except BrewclipError as error:
        return Finding("store", "bad", str(error))
    names = ", ".join(gallery.name for gallery in galleries) or "no gallery yet"
    return Finding("store", "ok", f"{home.store}: {names}")


def _places(home: Home) -> Iterator[Finding]:
    for name, path in home.places.items():
        yield Finding(name.lower(), "ok", str(path))


def _disk(home: Home) -> Finding:
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        return Finding("disk", "bad", f"{place} may not be written to; set BREWCLIP_HOME to a folder of your own.")
    free = shutil.disk_usage(place).free
    return Finding("disk", "ok" if free > LEAST_FREE else "bad", f"{free / 1e9:.1f} GB free for {home.root}")


def _libraries() -> Iterator[Finding]:
    for name, what, libraries in LINUX_LIBRARIES:
        packages = [package for library, package in libraries
                    if sys.platform == "linux" and ctypes.util.find_library(library) is None]
        if packages:
            yield Finding(name, "bad", f"{what} needs system libraries: apt-get install {' '.join(packages)}")
        else:
            yield Finding(name, "ok", f"{what} has the system libraries it needs")


def _display() -> Finding:
    if sys.platform != "linux" or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"):
        return Finding("display", "ok", "there is one")
    return Finding("display", "note", "none: the window cannot be shown here; the commands work")
