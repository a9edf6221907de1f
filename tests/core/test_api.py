"""The Python interface: its names, its page, and searches through it with stand-ins for the models."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core import api
from core.errors import QueryError, SettingsError
from core.search.terms import QueryTerm
from core.settings import Settings, save

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_name_is_there_and_documented():
    assert list(api.__all__) == sorted(api.__all__)
    for name in api.__all__:
        assert getattr(api, name).__doc__, name


def test_a_star_import_brings_the_public_names_alone():
    names: dict[str, object] = {}
    exec(f"from {api.__name__} import *", names)
    assert set(names) - {"__builtins__"} == set(api.__all__)


@pytest.mark.slow
def test_the_page_is_that_of_the_docstrings():
    done = subprocess.run([sys.executable, "packaging/api_page.py", "--print"], cwd=REPOSITORY, capture_output=True,
                          text=True)
    assert done.stdout == (REPOSITORY / "docs" / "api.md").read_text(), "docs/api.md is old: run `make docs`"


@pytest.mark.slow
def test_importing_it_loads_no_model_library():
    script = "import sys; from core import api; print({'torch', 'open_clip', 'whisper'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_home_is_opened_with_its_settings_and_changes_for_the_session(tmp_path):
    with api.open_home(tmp_path / "home") as explorer:
        save(Settings().with_value("search.history_days", 9), explorer.home.settings)
    with api.open_home(tmp_path / "home", vision__crop="letterbox") as explorer:
        assert explorer.settings["vision.crop"] == "letterbox" and explorer.settings["search.history_days"] == 9
        assert explorer.store.galleries() == []
    assert "letterbox" not in json.loads((tmp_path / "home" / "settings.json").read_text()).values()
    with pytest.raises(SettingsError), api.open_home(tmp_path / "home", vision__crop="round"):
        pass


def test_the_usual_home_is_opened_without_a_folder(home):
    with api.open_home() as explorer:
        assert explorer.home == home


class Asked:
    """Stands in the place of an explorer and keeps what it was asked."""

    def search(self, gallery, terms, top, report):
        self.asked = gallery, list(terms), top
        return "result"


def test_terms_of_a_search(tmp_path):
    explorer, picture, recording = Asked(), tmp_path / "a.jpg", tmp_path / "a.wav"
    assert api.search(explorer, "holidays", text="a boat", speech=recording, image=picture, minus="people",
                      top=3) == "result"
    gallery, terms, top = explorer.asked
    assert (gallery, top) == ("holidays", 3) and all(isinstance(term, QueryTerm) for term in terms)
    assert [(term.kind, term.text, term.path, term.weight) for term in terms] == [
        ("text", "a boat", None, 1.0), ("speech", "", recording, 1.0), ("image", "", picture, 1.0),
        ("text", "people", None, -1.0)]


def test_what_cannot_be_asked_is_a_sentence(home, tmp_path):
    with pytest.raises(QueryError) as error:
        api.search(Asked(), "holidays")
    assert error.value.kind == "empty"
    for query in ({}, {"text": "a boat", "speech": tmp_path / "a.wav"}, {"text": " "}):
        with pytest.raises(QueryError) as error:
            api.explain(Asked(), tmp_path / "a.jpg", **query)
        assert error.value.kind == "empty"


def test_a_dataset_is_loaded(tmp_path):
    (tmp_path / "pairs.csv").write_text("image,recording,caption,split\na.png,a.wav,a red square,test\n")
    dataset = api.load_dataset(tmp_path)
    assert isinstance(dataset, api.Dataset)
    assert [utterance.caption for utterance in dataset.utterances] == ["a red square"]


@pytest.mark.slow
def test_from_a_folder_to_a_search_and_its_explanation(home):
    """With the bundled model, on the demo's pictures."""
    from core import demo

    with api.open_home() as explorer:
        demo.build(explorer)
        result = api.search(explorer, demo.GALLERY, text="a cat with green eyes", top=3)
        assert result.hits[0].image.path.name == "cat.png" and len(result.hits) == 3
        explanation = api.explain(explorer, result.hits[0].image.path, text="a cat with green eyes")
        assert explanation.shares[0] == pytest.approx(sum(explanation.shares[1:]), abs=1e-4)
