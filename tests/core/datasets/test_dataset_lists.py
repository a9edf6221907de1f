import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core import datasets
from core.datasets.lists import lines, objects, table
from core.datasets.problems import Problems
from core.errors import DatasetError

SOME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def numbers(problems: Problems, key: str) -> set[int]:
    items = next((p.items for p in problems.found() if p.key == key), ())
    return {int(item.split("line ")[1].split(":")[0]) for item in items}


@SOME
@given(st.binary(max_size=400))
def test_every_line_is_read_or_named(tmp_path: Path, content: bytes):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    problems = Problems()
    read = list(lines(path, problems))
    if any(p.key == "unreadable_list" for p in problems.found()):
        return
    count = len(content.split(b"\n")) - (content.endswith(b"\n") or not content)
    seen = {line.number for line in read}
    assert seen | numbers(problems, "malformed") | numbers(problems, "blank") == set(range(1, count + 1))
    for line in read:
        assert content[line.start : line.start + line.length].count(b"\n") <= 1


FIELDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)


@pytest.mark.slow
@SOME
@given(st.lists(FIELDS, max_size=6),
       st.lists(st.sampled_from(['a,"b', "only", "a,b,c", '"x"y,z', "", '"', 'a,"']), max_size=5), st.randoms())
@example(["ok"], ['"', '"'], Random(0))
def test_bad_rows_of_a_table_cost_none_of_the_good_ones(tmp_path: Path, good, bad, random):
    rows = [(f'"{text.replace(chr(34), chr(34) * 2)}",{number}', True) for number, text in enumerate(good)]
    rows += [(text, False) for text in bad if '"' not in text]
    random.shuffle(rows)
    quotes = [text for text in bad if '"' in text][:1]  # one stray quote: with two, who can say which belong together
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["caption,number", *(text for text, _ in rows), *quotes]) + "\n", encoding="utf-8")
    read = [row.values["number"] for row in table(path, ",", Problems())]
    assert read == [text.rsplit(",", 1)[1] for text, is_good in rows if is_good]


def test_a_stray_quote_does_not_swallow_the_list(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text('image,caption\na,"open\n' + "".join(f"b{n},text\n" for n in range(100)))
    problems = Problems()
    assert len(list(table(path, ",", problems))) == 100
    assert numbers(problems, "malformed") == {2}


def test_a_quoted_caption_may_span_lines(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text('image,caption\na,"two\nlines, ""quoted"""\nb,one\n')
    problems = Problems()
    assert [row.values["caption"] for row in table(path, ",", problems)] == ['two\nlines, "quoted"', "one"]
    assert problems.found() == ()


@pytest.mark.slow
@SOME
@given(st.lists(st.one_of(st.text(max_size=20), st.recursive(st.none() | st.integers() | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3))
                .map(json.dumps)), max_size=8))
def test_every_json_line_is_an_object_or_named(tmp_path: Path, texts):
    path = tmp_path / "list.jsonl"
    path.write_bytes("\n".join(text.replace("\n", " ") for text in texts).encode("utf-8", "replace"))
    problems = Problems()
    read = {line.number for line, _ in objects(path, problems)}
    named = numbers(problems, "malformed") | numbers(problems, "blank")
    assert not read & named
    assert all(read | named >= {n} for n, text in enumerate(texts, 1) if text.replace("\n", " ").strip())


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["data", "image", "images", "caption", "captions", "uttid", "text", "wav",
                                         "split", "filename", "sentences", "raw", "image_id", "annotator_id",
                                         "voice_recording", "speaker"]), inner, max_size=4), max_leaves=12)


@pytest.mark.slow
@SOME
@given(JSON, st.sampled_from(["SpokenCOCO_val.json", "dataset_flickr8k.json", "coco_val_localized_narratives.jsonl",
                              "pairs.jsonl"]))
@example({"data": [{"image": "a.jpg", "captions": [{"uttid": "u", "wav": "w", "text": 5}]}]}, "SpokenCOCO_val.json")
@example({"data": [{"image": "a.jpg", "captions": None}]}, "SpokenCOCO_val.json")
@example({"image_id": [], "annotator_id": 1, "caption": [], "voice_recording": 4},
         "coco_val_localized_narratives.jsonl")
def test_json_of_any_shape_is_a_dataset_or_a_dataset_error(tmp_path_factory, content, name):
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_text(json.dumps(content))
    try:
        found = datasets.inspect(folder)
    except DatasetError as error:
        assert str(error)
    else:
        json.dumps(datasets.to_json(found))
        "\n".join(datasets.describe(found)).encode()


def test_utf_16_is_refused_in_words(tmp_path: Path):
    (tmp_path / "t.csv").write_text("image,caption\na,b\n", encoding="utf-16")
    problems = Problems()
    assert list(table(tmp_path / "t.csv", ",", problems)) == []
    assert problems.found()[0].items == ("t.csv: it is UTF-16; save it as UTF-8",)
