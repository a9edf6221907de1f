"""The queues: which pictures, in which order, and where to go on."""

import pytest

from core.annotation.queues import QUEUES, Queue, described, offered, open_queue
from core.store.records import AnnotatingRecord


def queue(explorer, gallery, spec):
    return open_queue(explorer.store, gallery, spec, explorer.store.takes(gallery.id))


def test_every_kind_is_offered_with_what_there_is(explorer, gallery, ids, speaker):
    gallery.add_tag(ids[:2], "beach")
    assert offered(explorer.store, gallery) == [
        ("unlabelled:", "Without a caption"), ("all:", "All pictures"),
        (f"speaker:{speaker.id}", "Not yet described by M.K."), ("tag:beach", "Tagged “beach”")]
    kinds = [spec.partition(":")[0] for spec, _ in offered(explorer.store, gallery)]
    assert kinds == [kind.key for kind in QUEUES if kind.key not in ("failures", "labelled")], "no evaluation yet"


def test_described_pictures_leave_the_queue_of_those_without_a_caption(explorer, gallery, ids, describe):
    describe(0)
    describe(1, state="rejected")
    describe(2, text="")  # a draft
    found = queue(explorer, gallery, "unlabelled:")
    assert found.image_ids == tuple(sorted(set(ids) - {ids[0]}))
    assert found.before == 1
    assert queue(explorer, gallery, "all:").image_ids == tuple(sorted(ids))


@pytest.mark.slow
def test_a_speakers_queue_counts_only_that_speaker(explorer, gallery, ids, describe, speaker):
    describe(0, speaker="M.K.")
    describe(1, speaker="A.B.")
    found = queue(explorer, gallery, f"speaker:{speaker.id}")
    assert (set(ids) - set(found.image_ids), found.speaker_id) == ({ids[0]}, speaker.id)
    assert described(explorer.store.takes(gallery.id), speaker.id) == {ids[0]}


def test_a_tags_queue_has_the_tags_pictures(explorer, gallery, ids):
    gallery.add_tag([ids[3], ids[1]], "beach: north")
    assert queue(explorer, gallery, "tag:beach: north").image_ids == tuple(sorted((ids[1], ids[3])))


def test_a_queue_that_is_not_offered_any_more_is_the_first_one(explorer, gallery):
    for spec in ("tag:gone", "speaker:99", "nonsense", ""):
        assert queue(explorer, gallery, spec).spec == "unlabelled:"


@pytest.mark.slow
def test_takes_in_the_bin_describe_nothing(explorer, gallery, describe):
    from core.annotation.takes import Annotator

    Annotator(explorer.store, explorer.home.takes).throw_away([describe(0)])
    assert len(queue(explorer, gallery, "unlabelled:").image_ids) == 10


def test_it_goes_on_at_the_picture_or_behind_it():
    walk = Queue("all:", "All", (2, 4, 6), 0)
    assert [walk.after(AnnotatingRecord("all:", place)) for place in (None, 4, 5, 6, 7, 1)] == [0, 1, 2, 2, 0, 0]
    assert Queue("all:", "All", (), 0).after(AnnotatingRecord("all:", 4)) == 0


def test_another_source_of_pictures_is_one_more_row(explorer, gallery, ids, monkeypatch):
    from core.annotation import queues

    row = queues.QueueKind("worst", lambda store, gallery: [("run 7", "Failures of run 7")],
                           lambda store, gallery, argument: [ids[5], ids[2]] if argument == "run 7" else [])
    monkeypatch.setattr(queues, "QUEUES", (*QUEUES, row))
    found = queue(explorer, gallery, "worst:run 7")
    assert (found.title, found.image_ids) == ("Failures of run 7", (ids[5], ids[2]))
    assert found.after(AnnotatingRecord("worst:run 7", ids[2])) == 1
