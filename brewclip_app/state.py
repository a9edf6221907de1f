"""State of the window kept between starts: geometry, panels' states, measured speeds."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from core import plain_json, private_files
from core.home import Home


class WindowState:
    """An INI file in the home. Unreadable values count as absent."""

    def __init__(self, home: Home) -> None:
        self._file = QSettings(str(home.window_state), QSettings.Format.IniFormat)
        self._passing: dict[str, str] | None = None

    def freeze(self) -> None:
        """Write nothing to disk from now on."""
        self._passing = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Value of a key."""
        passing = self._passing or {}
        text = passing[key] if key in passing else self._file.value(key)
        try:
            return default if text is None else plain_json.loads(str(text))
        except ValueError:
            return default

    def set(self, key: str, value: Any) -> None:
        """Set the value of a key: anything that JSON can hold."""
        if self._passing is not None:
            self._passing[key] = json.dumps(value)
        else:
            self._make()
            self._file.setValue(key, json.dumps(value))

    def _make(self) -> None:
        """Make a new file, which Qt would make readable by others, its owner's alone. Qt keeps its rights later on."""
        path = Path(self._file.fileName())
        with suppress(OSError):
            private_files.make_folder(path.parent)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, private_files.FILE))

    def panel(self, key: str) -> dict[str, Any]:
        """A panel's state; empty when there is none."""
        stored = self.get(f"panels/{key}", {})
        return stored if isinstance(stored, dict) else {}

    def set_panel(self, key: str, state: dict[str, Any]) -> None:
        """Set a panel's state."""
        self.set(f"panels/{key}", state)

    def bytes(self, key: str) -> QByteArray:
        """Bytes of a key (a window's geometry, a splitter's sizes); empty when there are none."""
        return QByteArray.fromBase64(str(self.get(key, "")).encode())

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Set the bytes of a key."""
        self.set(key, bytes(value.toBase64().data()).decode())

    def save(self) -> None:
        """Write it to disk now."""
        self._file.sync()
