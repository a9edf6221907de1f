"""Splits: no picture in two, where asked no speaker in two, the same for the same seed."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation.splits import SPLITS, SplitItem, by_picture, by_picture_and_speaker
from core.errors import AnnotationError

TAKES = st.lists(st.builds(SplitItem, st.integers(0, 30).map(str), st.integers(0, 6)), min_size=1, max_size=80)


def splits_of(spoken, drawn, what):
    found = defaultdict(set)
    for each, split in zip(spoken, drawn, strict=True):
        if split is not None:
            found[getattr(each, what)].add(split)
    return found.values()


@settings(max_examples=60, deadline=None)
@given(TAKES, st.integers(0, 5))
def test_no_picture_is_in_two_splits(spoken, seed):
    drawn = by_picture(spoken, seed)
    assert all(len(each) == 1 for each in splits_of(spoken, drawn, "picture"))
    assert by_picture(spoken, seed) == drawn
    assert set(drawn) == (set(SPLITS) if len({each.picture for each in spoken}) >= 3 else {"train"})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(TAKES, st.integers(0, 5))
def test_no_picture_and_no_speaker_is_in_two_splits(spoken, seed):
    if len({each.speaker for each in spoken}) < 2:
        with pytest.raises(AnnotationError) as raised:
            by_picture_and_speaker(spoken, seed)
        assert raised.value.kind == "one_speaker"
        return
    drawn = by_picture_and_speaker(spoken, seed)
    assert all(len(each) == 1 for each in splits_of(spoken, drawn, "picture"))
    assert all(len(each) == 1 for each in splits_of(spoken, drawn, "speaker"))
    assert by_picture_and_speaker(spoken, seed) == drawn
    assert any(split is not None for split in drawn)


def test_a_tenth_of_the_pictures_is_held_out_for_each():
    spoken = [SplitItem(str(picture), 0) for picture in range(100) for _ in range(3)]
    drawn = by_picture(spoken, 0)
    assert [drawn.count(split) for split in SPLITS] == [240, 30, 30]
    assert by_picture(spoken, 1) != drawn


def test_the_order_of_takes_does_not_matter():
    spoken = [SplitItem(str(picture), picture % 3) for picture in range(40)]
    there = dict(zip(spoken, by_picture(spoken, 0), strict=True))
    back = dict(zip(spoken[::-1], by_picture(spoken[::-1], 0), strict=True))
    assert there == back


def test_speakers_who_describe_their_own_pictures_lose_nothing():
    spoken = [SplitItem(f"{speaker}-{picture}", speaker) for speaker, takes in enumerate((80, 10, 10))
              for picture in range(takes)]
    drawn = by_picture_and_speaker(spoken, 0)
    assert [drawn.count(split) for split in (*SPLITS, None)] == [80, 10, 10, 0]


def test_pictures_that_several_describe_cost_the_takes_of_the_other_split():
    spoken = [SplitItem(str(picture), speaker) for picture in range(10) for speaker in (0, 0, 1)]
    drawn = by_picture_and_speaker(spoken, 0)
    assert drawn.count(None) == 10 and drawn.count("train") == 20
