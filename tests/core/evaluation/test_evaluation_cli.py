"""`brewclip evaluate` and `brewclip diagnose`, over the world of colours."""

import json
import re

import pytest

from core import cli
from core.evaluation import archive

from .conftest import Said, voice

PICTURES = {"wide.png": ("blue", "red", "blue"), "both.png": ("red+blue+olive",), "green.png": ("green",)}
SAID = [Said("wide.png", "red blue", "red blue", voice()),
        Said("both.png", "red red blue olive", "red red blue olive", voice()),
        Said("green.png", "green", "a green one", voice())]


@pytest.fixture
def made(world, monkeypatch, home):
    made = world(PICTURES, SAID)
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: made.explorer)
    return made


def run(*arguments):
    return cli.main([str(each) for each in arguments])


@pytest.mark.slow
def test_evaluate_in_json(made, capsys):
    assert run("evaluate", made.folder, "--split", "test", "--variant", "zero-shot", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["speech_to_image"]["R@1"] == pytest.approx(66.6667)
    assert found["image_to_speech"]["queries"] == 3
    assert found["speech_to_image"]["interval"]["R@1"] is None, "too few pictures"
    assert (found["n_images"], found["n_utterances"]) == (3, 3)
    assert found["wer"] == pytest.approx(2 / 9, abs=1e-4)
    assert found["unseen"] is None
    assert set(found["quality"]["hit_on_wer"]) == {"R@1", "R@5", "R@10"}
    assert [each["queries"] for each in found["quality"]["hit_on_wer"]["R@1"]["bins"]] == [2, 1]
    assert archive.evaluations(made.explorer.store)[0].id == found["evaluation"]


@pytest.mark.slow
def test_several_at_once_for_people_and_programs(made, capsys):
    assert run("evaluate", made.folder, "--crop", "centre", "--crop", "multi-crop", "--noise", "clean,babble:5",
               "--json") == 0
    found = json.loads(capsys.readouterr().out)["evaluations"]
    assert [(each["crop"], each["condition"]) for each in found] == [
        (crop, condition) for crop in ("centre", "multi-crop") for condition in ("clean", "babble 5 dB")]
    assert run("evaluate", made.folder, made.folder, "--json") == 0
    assert [each["evaluation"] for each in [json.loads(capsys.readouterr().out)]] == [5]
    assert run("evaluate", made.folder) == 0
    out = capsys.readouterr().out
    assert "colours test · Colours, full (evaluation 6)" in out
    assert "WER 22.2 %; WER as the authors count it 22.2 %; 3 pictures, 3 utterances" in out


@pytest.mark.slow
def test_tables_of_stored_evaluations(made, capsys):
    run("evaluate", made.folder, "--json")
    capsys.readouterr()
    for form, sign in (("csv", "Method,Dataset"), ("markdown", "| Method | Dataset |"), ("latex", r"\begin{tabular}")):
        assert run("evaluate", "--table", "1", "--format", form) == 0
        out = capsys.readouterr().out
        assert sign in out
        assert "(paper)" in out
    assert run("evaluate", "--table", "5") == 0
    assert "Trained on" in capsys.readouterr().out
    assert run("evaluate", "--table", "1") == 0
    out = capsys.readouterr().out
    assert re.search(r"BrewCLIP +Flickr8k +66.5 / 89.1 / 94.6 +79.3 / 95.9 / 98.6 +- +-$", out, re.M)
    assert max(map(len, out.splitlines())) < 200
    assert run("evaluate", "--table", "4", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[0]["published"] == [33.6, 57.7, 68.0, 53.9, 77.8, 85.4]
    assert rows[0]["ours"] == [None] * 6
    assert run("evaluate", "--stored") == 0
    assert "colours test" in capsys.readouterr().out
    assert run("evaluate", "--stored", "--seeds-as-one") == 0
    out = capsys.readouterr().out
    assert re.search(r"^colours test · Colours, full +66.7 +100.0", out, re.M) and "s2i nDCG@10" in out
    assert run("evaluate", "--stored", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert run("evaluate", "--delete", "9") == 2
    assert "There is no evaluation 9; nothing was deleted" in capsys.readouterr().err
    assert run("evaluate", "--delete", "1") == 0
    assert run("evaluate", "--stored") == 0
    assert capsys.readouterr().out == "1 deleted\nThere are no stored evaluations.\n"


@pytest.mark.slow
def test_diagnose_a_dataset_or_a_stored_evaluation(made, capsys, tmp_path):
    assert run("diagnose", made.folder, "--at", "1", "--json", "--out", tmp_path / "out") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["counts"]["speech_to_image"]["crop"] == 1
    [failure] = [each for each in found["failures"] if each["way"] == "speech_to_image"]
    assert (failure["kind"], failure["rank"], failure["then"], failure["gain"]) == ("crop", 2, 1, 1)
    assert failure["again"]["caption"] == {"rank": None, "why": "it was heard rightly"}
    assert f"{len(found['failures'])} failures are in {tmp_path / 'out'}" in err
    assert (tmp_path / "out" / "failures.csv").exists()
    assert run("diagnose", "--evaluation", found["evaluation"], "--at", "1") == 0
    out = capsys.readouterr().out
    assert "beyond the first 1 are 1 of 3 speech to image" in out
    assert "Whole picture instead of centre crop" in out
    assert "1 of 1" in out


@pytest.mark.slow
def test_unreadable_files_are_told_beside_the_result(made, capsys):
    (made.folder / "0.wav").write_bytes(b"")
    assert run("evaluate", made.folder, "--json") == 0
    assert "1 pictures or recordings could not be read; they count as misses" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "told"), [
    (("evaluate",), "Name the dataset folder to evaluate on"),
    (("evaluate", "DIR", "--split", "dev"), "has no split 'dev'; it has test"),
    (("evaluate", "DIR/no"), "no"),
    (("evaluate", "DIR", "--variant", "full"), "name the run with --checkpoint"),
    (("evaluate", "DIR", "--variant", "full", "--checkpoint", "DIR"), "There is no trained model at"),
    (("evaluate", "DIR", "--noise", "loud"), "'loud' is no condition"),
    (("diagnose",), "Name what to diagnose"),
    (("diagnose", "DIR", "--evaluation", "1"), "Name what to diagnose"),
    (("diagnose", "--evaluation", "77"), "no such evaluation"),
    (("diagnose", "DIR", "--crop", "centre", "--crop", "squash", "--out", "DIR/out"), "cannot share a folder"),
])
def test_wrong_input_is_told_in_one_sentence(made, capsys, arguments, told):
    assert run(*(str(each).replace("DIR", str(made.folder)) for each in arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err
