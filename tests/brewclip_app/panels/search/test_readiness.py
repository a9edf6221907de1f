"""Models loaded ahead, and the recogniser's weights, without widgets."""

from types import SimpleNamespace

import pytest

from brewclip_app.panels.search.readiness import Readiness, SpeechSupport
from core.errors import WeightsError
from core.progress import Progress


@pytest.fixture
def readiness(context):
    return Readiness(context)


def test_a_recogniser_without_an_export_gets_one_after_loading(readiness, explorer, context, qtbot, monkeypatch):
    steps = []
    explorer.warm_up = lambda report: steps.append("loaded")
    explorer.models = SimpleNamespace(lacks_export=lambda settings: settings is context.settings)
    monkeypatch.setattr("brewclip_app.panels.search.readiness.prepare_apart",
                        lambda home, title, report: steps.append((home, title)))
    readiness.load_models()
    qtbot.waitUntil(lambda: len(steps) == 2)
    assert steps == ["loaded", (context.home, "Whisper base")]
    explorer.models.lacks_export = lambda settings: False
    readiness.load_models()
    qtbot.waitUntil(lambda: len(steps) == 3)
    qtbot.waitUntil(lambda: not context.jobs.running(quiet=True))
    assert steps[2:] == ["loaded"]


def test_the_step_of_loading_is_said_until_it_is_done_even_where_it_fails(readiness, explorer, qtbot):
    def fail(report):
        report(Progress(subject="Whisper base"))
        explorer.wait(report)
        raise WeightsError("There are no weights.", "missing")

    explorer.gate.clear()
    explorer.warm_up = fail
    readiness.load_models()
    qtbot.waitUntil(lambda: bool(readiness.state.loading))
    readiness.load_models()
    assert readiness.state.loading, "it is not begun again"
    explorer.gate.set()
    qtbot.waitUntil(lambda: not readiness.state.loading)


def test_models_are_loaded_once_weights_have_arrived(readiness, explorer, context, qtbot, tmp_path):
    loaded = []
    explorer.warm_up = lambda report: loaded.append(1)
    context.downloads._set(files={"whisper-base": None})
    assert not readiness.state.speech.available and readiness.state.speech.action == "Download" and not loaded
    context.downloads._set(files={"whisper-base": tmp_path})
    assert readiness.state.speech == SpeechSupport()
    qtbot.waitUntil(lambda: loaded == [1])


def test_a_download_is_told_with_its_amount_and_its_error_with_another_try(readiness, context):
    context.downloads._set(files={"whisper-base": None}, running={"whisper-base": Progress(done=50, total=100)})
    assert "is downloading: " in readiness.state.speech.missing and readiness.state.speech.action == ""
    context.downloads._set(running={}, errors={"whisper-base": WeightsError("The network is down.", "network")})
    assert readiness.state.speech.missing.startswith("The network is down. To transcribe")
    assert readiness.state.speech.action == "Try again"


def test_the_recogniser_of_the_settings_is_the_one_that_is_needed(readiness, context, tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(context.downloads, "start", fetched.append)
    context.downloads._set(files={"whisper-base": tmp_path, "whisper-base.en": None})
    assert readiness.state.speech.available
    context.change("speech.recogniser", "whisper-base.en")
    readiness.settings_changed()
    assert "Whisper base.en" in readiness.state.speech.missing
    readiness.get_speech()
    assert fetched == ["whisper-base.en"]
    own = tmp_path / "own.pt"
    context.change("speech.recogniser", str(own))
    readiness.settings_changed()
    assert f"There is no file {own}." in readiness.state.speech.missing and readiness.state.speech.action == ""
