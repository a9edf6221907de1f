"""Making the export of the recogniser in a process of its own."""

import json
import subprocess
from pathlib import Path

import pytest

from core.asr.whisper import WhisperRecogniser
from core.errors import ModelError
from core.home import Home
from core.inference.whisper import OnnxWhisper
from core.models.preparing import prepare_apart
from core.models.registry import ModelRegistry
from core.progress import JobCancelled, Progress, silent
from core.settings import Settings, load


def home_with(tmp_path: Path, weights: Path) -> tuple[Home, Settings]:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.settings.write_text(json.dumps({"weights.folder": str(weights), "device": "cpu"}))
    return home, load(home.settings)


@pytest.mark.slow
def test_a_recogniser_runs_from_its_export_once_another_process_made_it(tmp_path: Path, whisper_base: Path) -> None:
    home, settings = home_with(tmp_path, whisper_base.parent)
    registry = ModelRegistry(home)
    assert registry.lacks_export(settings)
    before = registry.recogniser(settings)
    prepare_apart(home, "Whisper base", silent)
    assert not registry.lacks_export(settings)
    after = registry.recogniser(settings)
    assert isinstance(before, WhisperRecogniser) and isinstance(after, WhisperRecogniser)
    assert not isinstance(before._engine.runtime, OnnxWhisper) and isinstance(after._engine.runtime, OnnxWhisper)
    assert before.fingerprint == after.fingerprint
    assert registry.recogniser(settings) is after


@pytest.mark.slow
def test_a_stop_ends_the_process_and_leaves_nothing(tmp_path: Path, whisper_base: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    home, settings = home_with(tmp_path, whisper_base.parent)
    said: list[str] = []
    begun: list[subprocess.Popen[str]] = []
    monkeypatch.setattr("core.models.preparing.subprocess.Popen",
                        lambda *arguments, real=subprocess.Popen, **options: begun.append(real(*arguments, **options))
                        or begun[0])

    def report(progress: Progress) -> None:
        said.append(progress.title)
        if len(said) == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        prepare_apart(home, "Whisper base", report)
    assert set(said) == {"Preparing Whisper base for this processor"}
    assert ModelRegistry(home).lacks_export(settings)
    assert begun[0].returncode is not None, "it ended, and was waited for"


def test_a_process_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = home_with(tmp_path, tmp_path)
    monkeypatch.setattr("core.child_python.command", lambda *arguments: ["false"])
    with pytest.raises(ModelError, match="could not be prepared") as caught:
        prepare_apart(home, "Whisper base", silent)
    assert caught.value.kind == "not_made"
