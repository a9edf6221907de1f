import hashlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from core.datasets.tone import MOODS, SUBJECTS
from core.errors import DatasetError
from core.tone import emoji, pictures
from core.tone.pictures import Scene
from tests.conftest import REPOSITORY

HAPPY_KIDS = Scene("twemoji", "happy", "beaming-face-with-smiling-eyes", "kids", "girl", 0)


@pytest.fixture(scope="module")
def twemoji():
    return emoji.bundled("twemoji")


def test_a_picture_is_drawn_with_the_same_bytes_each_time(twemoji):
    first = pictures.png(HAPPY_KIDS, twemoji)
    assert first == pictures.png(HAPPY_KIDS, emoji.bundled("twemoji"))
    assert Image.open(io.BytesIO(first)).size == (224, 224)


def test_pixels_are_those_of_the_release(twemoji):
    """A renderer that draws otherwise would make another set under the same name."""
    drawn = Image.open(io.BytesIO(pictures.png(HAPPY_KIDS, twemoji))).convert("RGB")
    small = drawn.resize((8, 8), Image.Resampling.BOX)
    expected = json.loads((REPOSITORY / "tests/core/tone/happy_kids.json").read_text())
    assert np.abs(np.asarray(small).astype(int) - np.array(expected)).max() <= 2


@pytest.mark.parametrize("name", emoji.BUNDLED)
def test_every_bundled_style_has_all_icons_and_a_notice(name):
    style = emoji.bundled(name)
    assert set(style.icons) == set(emoji.NEEDED)
    assert style.author != "unknown" and style.licence in ("MIT", "Apache 2.0", "CC BY 4.0")
    notice = (REPOSITORY / "resources" / "NOTICE").read_text(encoding="utf-8")
    assert f"\n{name}: {style.author}, {style.licence}" in notice


def test_icons_of_one_picture_keep_their_gradients_apart():
    drawn = pictures.svg(Scene("fluent-emoji", "sad", "crying-face", "dogs", "dog", 1), emoji.bundled("fluent-emoji"))
    names = re.findall(r'\bid="([^"]+)"', drawn)
    used = re.findall(r"url\(#([^)]+)\)", drawn)
    assert len(names) == len(set(names)) > 20 and set(used) <= set(names)


def test_scenes_have_eight_classes_of_equal_size():
    scenes = list(pictures.scenes("noto"))
    assert len({scene.name for scene in scenes}) == len(scenes) == 144
    counts = {(mood, subject): sum((scene.mood, scene.subject) == (mood, subject) for scene in scenes)
              for mood in MOODS for subject in SUBJECTS}
    assert set(counts.values()) == {18}


def test_a_third_is_held_out_of_each_class_and_style():
    for style in emoji.TRAINED:
        held = [scene for scene in pictures.scenes(style) if pictures.held_out(scene, emoji.TRAINED)]
        assert len(held) == 48
        assert {(scene.mood, scene.subject) for scene in held} == {(mood, subject) for mood in MOODS
                                                                   for subject in SUBJECTS}


def test_ground_says_nothing_of_the_mood(twemoji):
    grounds = {mood: {re.search(r'fill="(#\w+)"', pictures.svg(scene, twemoji))[1]
                      for scene in pictures.scenes("twemoji") if scene.mood == mood} for mood in MOODS}
    assert all(found == set(pictures.GROUNDS) for found in grounds.values())


def test_a_folder_of_a_package_is_a_set(tmp_path):
    listed = json.loads((emoji.RESOURCES / "noto.json").read_bytes())
    listed["icons"]["dog-face"], listed["aliases"] = listed["icons"]["poodle"], {"boy": {"parent": "girl"}}
    del listed["icons"]["boy"]
    (tmp_path / "icons.json").write_text(json.dumps({**listed, "prefix": "mine", "info": None}))
    style = emoji.in_folder(tmp_path)
    assert (style.name, style.licence) == ("mine", "unknown") and style.icons["boy"] == style.icons["girl"]


@pytest.mark.parametrize(("content", "kind"), [
    (None, "missing"), ("{", "damaged"), ('{"icons": {}}', "damaged"), ('{"icons": {}, "prefix": "x"}', "incomplete"),
    ('{"icons": {"door": {}}, "prefix": 3, "aliases": []}', "damaged")])
def test_a_folder_that_is_no_set_is_refused(tmp_path, content, kind):
    if content is not None:
        (tmp_path / "icons.json").write_text(content)
    with pytest.raises(DatasetError) as refused:
        emoji.in_folder(tmp_path)
    assert refused.value.kind == kind


def test_only_bundled_names_are_bundled():
    with pytest.raises(KeyError):
        emoji.bundled("../NOTICE")


def test_names_tell_scenes_apart_in_layout(twemoji):
    drawn = [Scene("twemoji", "angry", "angry-face", "dogs", "dog", draw) for draw in range(2)]
    digests = {hashlib.sha256(pictures.png(scene, twemoji)).digest() for scene in drawn}
    assert len(digests) == 2
