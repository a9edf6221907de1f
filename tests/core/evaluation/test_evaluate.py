"""Evaluations of models on datasets, over the program's own caches, crops and conditions."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import DatasetError, EvaluationError
from core.evaluation import archive, models, unseen, words
from core.evaluation.evaluate import evaluate, plan
from core.evaluation.records import DataChoice, Request
from core.evaluation.views import picture_vectors
from core.features.content_hashes import Digests, content_digest
from core.features.noise import CLEAN, Condition
from core.features.prepared_split import FeaturePreparer
from core.models.checkpoints import Run
from core.models.spec import ModelSpec
from core.models.variants import BrewClipOptions
from core.progress import JobCancelled, WorkStep

from .conftest import Said, use, voice

PICTURES = {"red.png": ("red",), "green.png": ("green",), "wide.png": ("blue", "white", "blue"), "mute.png": ("pink",)}
SAID = [Said("red.png", "red", "red", voice(), "7"), Said("red.png", "a green one", "red", voice(red=5), "8"),
        Said("green.png", "", "green", voice(green=1), "7"), Said("wide.png", "white", "white blue", voice(), "8")]


def request(folder, **options):
    return Request((ModelSpec(),), (DataChoice(folder),), **options)


def test_figures_ranks_and_what_stands_behind_them(world):
    made = world(PICTURES, SAID)
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    opened = archive.open_evaluation(made.explorer.store, record.id)
    queries = opened.queries("speech_to_image")
    assert [query.rank for query in queries] == [1, 1, 1, 1]
    assert [query.text_rank for query in queries] == [1, 4, 11, 1], "under words alone; nothing heard ranks behind all"
    assert [query.acoustic_rank for query in queries] == [11, 1, 1, 11]
    assert [query.rank for query in opened.queries("image_to_speech")] == [1, 1, 1, 0]
    assert (record.speech_to_image.queries, record.image_to_speech.queries) == (4, 3)
    assert (record.n_images, record.n_utterances, record.unreadable, record.nothing_heard) == (4, 4, 0, 1)
    assert record.words == words.together(words.compare([each.caption for each in SAID],
                                                        [each.heard for each in SAID]))
    assert [each.wer for each in opened.utterances] == [0, 3, 1, 0.5]
    assert [each.speaker for each in opened.utterances] == ["7", "8", "7", "8"]
    assert opened.utterances[0].seconds == pytest.approx(1)
    assert record.setup.title == "colours test · Colours, full"
    assert archive.evaluations(made.explorer.store) == [record]


@pytest.mark.slow
def test_every_combination_is_made_and_captions_need_words(world):
    made = world(PICTURES, SAID)
    asked = request(made.folder, captions=(False, True), conditions=(CLEAN, Condition("white", 0.0)),
                    crops=("", "letterbox"))
    assert len(asked) == 8
    assert plan(made.explorer.workspace, asked).setups == 8
    found = evaluate(made.explorer.workspace, asked)
    assert {(each.setup.captions, each.setup.condition, each.setup.crop) for each in found} == {
        (captions, condition, crop) for captions in (False, True) for condition in asked.conditions
        for crop in ("centre", "letterbox")}
    noisy = [each for each in found if each.setup.condition != CLEAN]
    assert all(each.nothing_heard == 4 for each in noisy)
    assert found[0].speech_to_image["R@1"].value == 100
    use(made, "e2e")
    records = evaluate(made.explorer.workspace, request(made.folder, captions=(False, True)))
    assert [record.setup.captions for record in records] == [False]
    with pytest.raises(EvaluationError, match="nothing to evaluate"):
        evaluate(made.explorer.workspace, request(made.folder, captions=(True,)))


def test_a_second_evaluation_hears_nothing_anew(world):
    made = world(PICTURES, SAID)
    assert plan(made.explorer.workspace, request(made.folder)).recordings == 4
    evaluate(made.explorer.workspace, request(made.folder))
    before = made.ears.hearings
    evaluate(made.explorer.workspace, request(made.folder, captions=(True,), crops=("squash",)))
    assert made.ears.hearings == before == 4
    assert plan(made.explorer.workspace, request(made.folder)).recordings == 0


def broken(made):
    (made.folder / "0.wav").write_bytes(b"")
    (made.folder / "wide.png").write_bytes(b"no picture")
    (made.folder / "3.wav").unlink()


def test_once_all_is_heard_the_bar_is_near_its_end(world):
    made, told = world(PICTURES, SAID), []
    evaluate(made.explorer.workspace, request(made.folder), told.append)
    heard = [each.share for each in told
             if each.step is WorkStep.TRANSCRIBING_RECORDINGS and 0 < each.total == each.done]
    assert heard and heard[0] > 0.9


def test_what_cannot_be_read_counts_as_missed(world):
    made = world(PICTURES, SAID)
    broken(made)
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    opened = archive.open_evaluation(made.explorer.store, record.id)
    assert [query.rank for query in opened.queries("speech_to_image")] == [11, 1, 1, 11]
    assert [query.rank for query in opened.queries("image_to_speech")] == [1, 1, 11, 0]
    assert record.speech_to_image["R@10"].value == 50, "no K is so large that a miss among few pictures counts as found"
    assert (record.unreadable, len(opened.unreadable)) == (3, 3)
    assert "missing" in opened.utterances[3].reason
    assert opened.utterances[0].wer is None, "nothing is known of what was said"
    assert record.words.utterances == 2


def test_or_is_left_out_and_said_so(world):
    made = world(PICTURES, SAID)
    broken(made)
    [record] = evaluate(made.explorer.workspace, request(made.folder, drop_unreadable=True))
    opened = archive.open_evaluation(made.explorer.store, record.id)
    assert [query.rank for query in opened.queries("speech_to_image")] == [0, 1, 1, 0]
    assert [query.rank for query in opened.queries("image_to_speech")] == [1, 1, 0, 0]
    assert (record.speech_to_image.queries, record.setup.drop_unreadable) == (2, True)


def test_stopping_keeps_the_finished_ones(world):
    made = world(PICTURES, SAID)
    ranked = 0

    def stop(progress):
        nonlocal ranked
        ranked += progress.step is WorkStep.RANKING
        if ranked == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        evaluate(made.explorer.workspace, request(made.folder, captions=(False, True)), stop)
    assert [each.setup.captions for each in archive.evaluations(made.explorer.store)] == [False]


def test_all_is_checked_before_anything_is_heard(world):
    made = world(PICTURES, SAID)
    for wrong, told in ((request(made.folder, crops=("", "round")), "no crop 'round'"),
                        (Request((ModelSpec(),), (DataChoice(made.folder), DataChoice(made.folder, "dev"))),
                         "no split 'dev'; it has test"),
                        (Request((), (DataChoice(made.folder),)), "nothing to evaluate"),
                        (Request((ModelSpec(),), (DataChoice(made.folder / "no"),)), "no")):
        with pytest.raises((EvaluationError, DatasetError), match=told):
            evaluate(made.explorer.workspace, wrong)
        with pytest.raises((EvaluationError, DatasetError), match=told):
            plan(made.explorer.workspace, wrong)
    assert made.ears.hearings == 0


def test_several_crops_are_seen_as_their_mean(world):
    made = world(PICTURES, SAID)
    [record] = evaluate(made.explorer.workspace, request(made.folder, crops=("multi-crop",)))
    assert record.setup.crop == "multi-crop"
    workspace = made.explorer.workspace
    model = models.load(workspace, workspace.models.resolve(ModelSpec(), workspace.settings))
    from core import datasets
    from core.evaluation.evaluate import prepare

    split = prepare(workspace, model, datasets.load(made.folder), "test", "multi-crop", CLEAN)
    found = picture_vectors(workspace, model, split, "multi-crop")
    white, blue = found[2][4], found[2][2]
    assert np.linalg.norm(found[2]) == pytest.approx(1)
    assert 0 < white < blue, "the ends are blue"
    assert np.linalg.norm(found[0]) == pytest.approx(1)


def run_of(kind, name="colours", train="train", variant="full"):
    return Run(variant, BrewClipOptions(heads=1), "colours", "0", "Test ear", 12, "own", "centre",
               {"kind": kind, "name": name, "train": train})


def trained(tmp_path, run):
    return ModelSpec("colours", tmp_path / "run" / "best", "centre", run)


def test_pictures_are_known_again_by_their_content_whatever_the_folder_is_called(world, tmp_path):
    """A model evaluated on copies of two of its own pictures, in another folder of the same name."""
    made = world(PICTURES, SAID)
    learnt = [next(made.folder.rglob(name)) for name in ("red.png", "green.png")]
    run = run_of("folder", made.folder.name)
    kept = {**run.dataset, unseen.DIGESTS: unseen.packed(content_digest(path) for path in learnt)}
    made.models.resolved = lambda spec: trained(tmp_path, replace(run, dataset=kept))
    [record] = evaluate(made.explorer.workspace, request(made.folder))
    assert record.unseen.images == 2
    assert record.unseen.speech_to_image.queries == 1
    assert record.unseen.image_to_speech.queries == 1
    assert record.setup.trained_on == "folder"


@pytest.mark.parametrize("digests", [None, "", "no base64!", "AAAA"])
@pytest.mark.parametrize("kind", ["flickr8k", "folder", "spokencoco"])
def test_without_digests_it_is_unknown_and_never_none(tmp_path, digests, kind):
    run = run_of(kind)
    run = replace(run, dataset={**run.dataset, unseen.DIGESTS: digests})
    found, note = unseen.learnt(run, [tmp_path / "red.png"], Digests(tmp_path / "digests"))
    assert found is None and "not known which" in note


def test_a_picture_that_is_gone_was_not_learnt_from(tmp_path):
    run, (red, green) = run_of("folder"), (tmp_path / "red.png", tmp_path / "green.png")
    red.write_bytes(b"red")
    green.write_bytes(b"green")
    kept = unseen.packed([content_digest(red)])
    found, _ = unseen.learnt(replace(run, dataset={**run.dataset, unseen.DIGESTS: kept}),
                             [None, tmp_path / "gone.png", red, green], Digests(tmp_path / "digests"))
    assert found.tolist() == [False, False, True, False]


def test_one_pass_over_the_recordings_serves_every_model_of_a_request(world, tmp_path, monkeypatch):
    """Zero-shot comes first and needs words alone; the states that another model needs are kept by the same pass."""
    made, asked, prepared = world(PICTURES, SAID), [], FeaturePreparer.prepare

    def prepare(self, *arguments, **options):
        asked.append(self._states)
        return prepared(self, *arguments, **options)

    monkeypatch.setattr(FeaturePreparer, "prepare", prepare)
    zero, full = ModelSpec("colours", None, "centre"), trained(tmp_path, run_of("folder"))
    made.models.resolved = lambda spec: zero if spec.checkpoint is None else full
    both = replace(request(made.folder), models=(ModelSpec(), ModelSpec(checkpoint=tmp_path)))
    evaluate(made.explorer.workspace, both)
    assert asked == [True, True]
    asked.clear()
    evaluate(made.explorer.workspace, replace(both, models=both.models[:1]))
    assert asked == [False]


def test_word_errors_after_normalising():
    found = words.compare(["It's 2 Dogs!", "a cat", "", "um"], ["it is two dogs", "", "a dog", "a"])
    assert (found[0].errors, found[1].rate) == (0, 1)
    assert found[2] is None
    assert found[3] is None, "the normaliser leaves nothing of it"
    assert words.together([None]) is None
