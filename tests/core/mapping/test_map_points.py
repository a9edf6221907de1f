"""Points of galleries and splits, and the groups that colour them."""

import numpy as np
import pytest

from core import weights
from core.errors import MapError
from core.evaluation.records import DataChoice
from core.explorer import Explorer
from core.mapping import points as map_points
from core.mapping import split_points
from core.mapping.groups import NOTHING, OTHERS, group, word_error_name
from core.mapping.points import of_gallery
from core.settings import Settings
from tests.fakes import ColourModel


def test_groups_are_numbered_by_size_and_the_smallest_are_one():
    labels = ["b", "a", "b", "", *(f"small {number}" for number in range(12))]
    made = group("folder", "Folder", labels)
    assert made.names[:2] == ("b", "a") and made.names[-1] == OTHERS and len(made.names) == 10
    assert made.group_of[:4].tolist() == [0, 1, 0, NOTHING]
    assert made.counts().sum() == len(labels) - 1 and made.counts()[0] == 2


@pytest.mark.parametrize("labels", [[], ["", ""], ["a", "a"]])
def test_what_tells_no_points_apart_is_no_grouping(labels):
    assert group("tag", "Tag", labels) is None


def test_one_tag_on_some_points_tells_them_apart_and_a_declared_order_is_kept():
    assert group("tag", "Tag", ["beach", ""]).group_of.tolist() == [0, NOTHING]
    assert group("emotion", "Emotion", ["sad", "calm", "sad"], ("calm", "happy", "sad")).names == ("calm", "sad")


@pytest.mark.parametrize(("rate", "name"), [(None, ""), (0.0, "No word errors"), (0.2, "Up to 25 % errors"),
                                            (0.25, "Up to 25 % errors"), (0.4, "Up to 50 % errors"),
                                            (1.7, "More than 50 % errors")])
def test_word_error_rates_have_names(rate, name):
    assert word_error_name(rate) == name


@pytest.fixture
def explorer(home, monkeypatch):
    made = Explorer(home, Settings())
    model = ColourModel()
    monkeypatch.setattr(made.models, "model", lambda *args, **more: model)
    monkeypatch.setattr(made.models, "fingerprint", lambda settings: model.fingerprint("centre"))
    monkeypatch.setattr(made, "_described", lambda *args: np.zeros((1, 4), np.float32))
    yield made
    made.close()


def index(explorer, folder, names):
    from PIL import Image

    for name, colour in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), colour).save(folder / name)
    explorer.index(folder, "colours")
    return explorer.gallery("colours")


def test_points_of_a_gallery_have_its_vectors_pictures_folders_and_tags(explorer, tmp_path):
    gallery = index(explorer, tmp_path / "p", {"a/red.png": "red", "a/blue.png": "blue", "b/c/green.png": "green"})
    blue = next(image.id for image in gallery.images() if image.path.name == "blue.png")
    gallery.add_tag([blue], "cold")
    points = of_gallery(gallery, explorer.fingerprint())
    assert len(points) == points.total == 3 and points.gallery == "colours" and not points.spoken.any()
    for item, vector in zip(points.items, points.vectors, strict=True):
        assert item.image.path.stem == item.name.removesuffix(".png")
        expected = ColourModel().vectors_of(np.array([{"red": (255, 0, 0), "blue": (0, 0, 255),
                                                       "green": (0, 128, 0)}[item.image.path.stem]]))[0]
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=0.02)
    folder, tag = points.groupings
    assert folder.names == ("a", "b/c") and tag.names == ("cold",)
    assert [item.name for item, at in zip(points.items, tag.group_of, strict=True) if at == 0] == ["blue.png"]


def test_a_gallery_of_another_model_and_one_of_two_pictures_are_refused(explorer, tmp_path):
    gallery = index(explorer, tmp_path / "p", {"red.png": "red", "blue.png": "blue"})
    with pytest.raises(MapError) as few:
        of_gallery(gallery, explorer.fingerprint())
    with pytest.raises(MapError) as other:
        of_gallery(gallery, ColourModel().fingerprint("squash"))
    assert (few.value.kind, other.value.kind) == ("few", "not_indexed")
    assert "2" in str(few.value) and "Library" in str(other.value)


def test_of_very_many_pictures_evenly_spaced_ones_are_shown(explorer, tmp_path, monkeypatch):
    gallery = index(explorer, tmp_path / "p", {f"{number}.png": (20 * number, 40, 90) for number in range(9)})
    monkeypatch.setattr(map_points, "MOST", 4)
    points = of_gallery(gallery, explorer.fingerprint())
    assert [item.name for item in points.items] == ["0.png", "3.png", "6.png"] and points.total == 9


@pytest.mark.slow
@pytest.mark.data
def test_a_dataset_of_utterances_alone_has_a_map_with_emotions(home, development_data, whisper_base, tmp_path,
                                                               monkeypatch):
    monkeypatch.setenv(weights.MODELS_VARIABLE, str(whisper_base.parent))
    few = tmp_path / "ravdess" / "Actor_01"
    few.mkdir(parents=True)
    for path in sorted((development_data / "ravdess" / "Actor_01").iterdir())[:6]:
        (few / path.name).write_bytes(path.read_bytes())
    explorer = Explorer(home, Settings())
    points = split_points.of_split(explorer.workspace, DataChoice(tmp_path / "ravdess", "all", "ravdess"))
    assert points.spoken.all() and "emotion" in {one.key for one in points.groupings}
    explorer.close()
