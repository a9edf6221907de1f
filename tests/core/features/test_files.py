"""What is in a file, by its bytes."""

import hashlib
import os
from pathlib import Path

import pytest

from core.features.files import content_digest


def test_a_pipe_or_a_folder_has_no_digest_and_nothing_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert content_digest(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "nothing"):
        with pytest.raises(OSError):
            content_digest(path)
