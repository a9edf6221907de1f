"""What is in a file, by its bytes."""

import hashlib
import os
from pathlib import Path

import pytest

from core.features.content_hashes import Digests, content_digest


def test_a_pipe_or_a_folder_has_no_digest_and_nothing_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert content_digest(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "nothing"):
        with pytest.raises(OSError):
            content_digest(path)


def test_a_file_that_went_meanwhile_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"abc")
    digests = Digests(tmp_path / "digests")
    with digests.writer() as remember:
        remember(tmp_path / "gone", "00" * 32)
        remember(tmp_path / "there", "11" * 32)
    assert digests.of(tmp_path / "there") == "11" * 32
