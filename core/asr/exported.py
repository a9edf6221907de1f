"""Whisper in ONNX Runtime: its export found, or made from a checkpoint. No torch here, except to make one."""

import logging
from pathlib import Path

from core.asr.mel import log_mel
from core.inference.exports import Export, ExportCache, export_key
from core.inference.whisper import OnnxWhisper

log = logging.getLogger(__name__)

GRAPHS = 2  # of `whisper_graphs`; another number makes all exports anew


def find(sha256: str, exports: ExportCache) -> OnnxWhisper | None:
    """The export of the checkpoint with that SHA-256; None where there is none that can be used."""
    export = exports.find(_key(sha256))
    try:
        return OnnxWhisper(export, log_mel) if export is not None and export.usable else None
    except (OSError, RuntimeError) as error:
        log.warning("Speech is recognised in PyTorch, since the export of the model cannot be opened: %s", error)
        return None


def is_made(sha256: str, exports: ExportCache) -> bool:
    """Whether the export of the checkpoint was made, be it that it cannot be used."""
    return exports.has(_key(sha256))


def make(path: Path, sha256: str, exports: ExportCache) -> Export:
    """The export of the checkpoint at `path`, made and checked if there is none. OSError: it cannot be written."""
    found = exports.find(_key(sha256))
    if found is not None:
        return found
    from core.asr import export

    return exports.make(_key(sha256), export.writer(path), export.checker(path))


def _key(sha256: str) -> str:
    return export_key("whisper", {"weights": sha256, "graphs": GRAPHS})
