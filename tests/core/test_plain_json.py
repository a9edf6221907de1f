"""The reader of JSON: everything that is no plain JSON is one kind of error."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from core import plain_json
from core.plain_json import DEEPEST, DamagedJsonError


def nested(depth, inner=1):
    return "[" * depth + str(inner) + "]" * depth


@pytest.mark.parametrize("text", ["", "{", "nothing", b"\xff\xfe", nested(DEEPEST + 1), nested(100_000),
                                  '{"a":' * 5000 + "1" + "}" * 5000, "[" * 1_000_000])
def test_what_is_no_plain_json_is_damaged(text):
    with pytest.raises(DamagedJsonError):
        plain_json.loads(text)


@pytest.mark.parametrize("value", [1, None, "é", [1, [2]], {"a": {"b": [None, 2.5]}}, []])
def test_plain_json_is_read(value, tmp_path):
    (tmp_path / "file.json").write_text(json.dumps(value), encoding="utf-8")
    assert plain_json.read(tmp_path / "file.json") == value == plain_json.loads(json.dumps(value))
    assert plain_json.loads(nested(DEEPEST)) is not None


@pytest.mark.parametrize("text", ["[]", "null", "3"])
def test_an_object_is_asked_for(text, tmp_path):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(DamagedJsonError, match="object"):
        plain_json.loads_object(text)
    with pytest.raises(DamagedJsonError, match="object"):
        plain_json.read_object(tmp_path / "file.json")


def test_a_file_beyond_its_limit_is_not_read_whole(tmp_path):
    path = tmp_path / "file.json"
    path.write_text(json.dumps("x" * 1000))
    with pytest.raises(DamagedJsonError):
        plain_json.read(path, largest=999)
    with pytest.raises(FileNotFoundError):
        plain_json.read(tmp_path / "none.json")


@dataclass(frozen=True)
class Inner:
    words: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    number: int
    share: float
    inner: Inner | None
    pair: tuple[int, str]
    named: Mapping[str, float]
    way: Literal["a", "b"] = "a"
    rest: Any = None
    facts: Mapping[str, Any] = field(default_factory=lambda: {"a": [1]})


GOOD = {"number": 1, "share": 2, "inner": Inner(("a",)), "pair": (1, "x"), "named": {"a": 0.5}}


def test_a_record_is_checked_to_any_depth():
    assert plain_json.checked(Outer(**GOOD)) == Outer(**GOOD)
    for wrong in ({"number": True}, {"number": 1.5}, {"share": 10**400}, {"share": "2"}, {"inner": {}},
                  {"inner": Inner(("a", 1))}, {"pair": (1,)}, {"named": {"a": None}}, {"named": []}, {"way": "c"},
                  {"way": []}):
        with pytest.raises(DamagedJsonError):
            plain_json.checked(Outer(**{**GOOD, **wrong}))


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "file.json"
    path.write_text('{"a": 1}', encoding="utf-8-sig")
    assert plain_json.read_object(path) == {"a": 1} == plain_json.loads("\ufeff" + '{"a": 1}')


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "settings.json")
    with pytest.raises(plain_json.DamagedJsonError, match="pipe"):
        plain_json.read(tmp_path / "settings.json")
    with pytest.raises(IsADirectoryError):
        plain_json.read(tmp_path)
