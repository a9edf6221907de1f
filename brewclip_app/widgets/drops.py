"""Folders dragged in from a file manager."""

from pathlib import Path

from PySide6.QtCore import QMimeData


def folders_of(data: QMimeData) -> list[Path]:
    """Local folders among the dragged items; files are ignored."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.is_dir()]
