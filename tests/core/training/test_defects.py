"""A dataset with every defect at once, from its report through training to its figures."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from core import datasets
from core.audio import RATE
from core.evaluation import evaluate
from core.evaluation import models as subjects
from core.evaluation.records import DataChoice, Request
from core.models import checkpoints
from core.models.spec import ModelSpec
from core.progress import silent
from core.training import run as job
from core.training.run_folder import RunFolder

pytestmark = pytest.mark.slow

ODD = "2258277193_586949ec62.jpg.1"  # as in the real Flickr8k
CORRUPT, EMPTY, GONE, QUIET, NO_PICTURE, BAD_PICTURE, SPLITLESS = range(6, 13)  # pictures, by what is wrong with them


@pytest.fixture
def broken(little: ModuleType, tmp_path: Path) -> Path:
    """Flickr8k's layout: pictures 0 to 5 and 13 to 16 (dev) are whole, of the others each has a defect."""
    root = tmp_path / "flickr8k"
    pictures, speech, text = (root / name for name in ("Flicker8k_Dataset", "flickr_audio", "Flickr8k_text"))
    for folder in (pictures, speech / "wavs", text):
        folder.mkdir(parents=True)
    captions, pairs, speakers = [f"{ODD}#0\tSomething odd .\n"], [], []
    for number in range(17):
        name, colour = f"{number}.jpg", little.WORDS[number % len(little.WORDS)]
        little.picture(number).save(pictures / name)
        captions += [f"{name}#{take}\ta {colour} thing\n" for take in range(3)]  # of the third there is no recording
        for take in range(2):
            wav = f"{number}_{take}.wav"
            soundfile.write(speech / "wavs" / wav, little.tone(number, take), RATE)
            pairs.append(f"{wav} {name} #{take}\n")
            speakers.append(f"{wav} {take}\n")
    wavs = speech / "wavs"
    (wavs / f"{CORRUPT}_0.wav").write_bytes(b"RIFF\0\0\0\0WAVE and then nothing that is sound")
    (wavs / f"{EMPTY}_0.wav").write_bytes(b"")
    (wavs / f"{GONE}_0.wav").unlink()
    soundfile.write(wavs / f"{QUIET}_0.wav", little.tone(QUIET, peak=little.QUIET / 2), RATE)
    (pictures / f"{NO_PICTURE}.jpg").unlink()
    (pictures / f"{BAD_PICTURE}.jpg").write_bytes((pictures / "0.jpg").read_bytes()[:200])
    (wavs / "stranger_0.wav").write_bytes((wavs / "0_0.wav").read_bytes())  # named in no list
    (text / "Flickr8k.token.txt").write_text("".join(captions))
    for split, members in (("train", range(12)), ("dev", range(13, 17)), ("test", range(0))):
        (text / f"Flickr_8k.{split}Images.txt").write_text("".join(f"{number}.jpg\n" for number in members))
    (speech / "wav2capt.txt").write_text("".join(pairs))
    (speech / "wav2spk.txt").write_text("".join(speakers))
    return root


def test_it_is_reported_trained_on_and_evaluated_and_nothing_is_silently_dropped(
        explorer, broken: Path, little: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = {each.what for each in datasets.load(broken).problems}
    assert {"odd ids", "missing pictures", "missing recordings", "pictures in no split"} <= problems
    assert any(ODD in each.examples for each in datasets.load(broken).problems)

    run = RunFolder(tmp_path / "run")
    job.begin(run, little.recipe(broken, teach=1.0, noise="0"))
    outcome = job.train(explorer.workspace, run, silent)
    assert outcome.why == "finished"
    notes = " ".join(each["text"] for each in run.events() if each["event"] == "note")
    assert all(f"{number}_0" in notes for number in (CORRUPT, EMPTY, GONE)) and f"{BAD_PICTURE}.jpg" in notes
    facts = checkpoints.read_run(checkpoints.find(run.path)).dataset
    # 24 utterances less three that cannot be read and the four of two pictures that cannot; the quiet one is kept
    assert (facts["images"], facts["utterances"], facts["pairs"]) == (12, 24, 2 * 17)
    assert facts["nothing_heard"] == 1 and not facts["dropped_unheard"]
    assert facts["unreadable"] == 3 + 2

    monkeypatch.setattr(subjects, "check", lambda workspace, known: None)  # the little backbone has no file
    request = Request((ModelSpec(checkpoint=run.path),), (DataChoice(broken, "train"),))
    found = evaluate.evaluate(explorer.workspace, request, silent)[0]
    assert (found.n_images, found.n_utterances, found.unreadable) == (12, 24, 5)
    ranks = found.speech_to_image
    assert ranks.queries == 24 and np.isfinite(ranks["R@1"].value)  # those that cannot be read count as missed
