import json

import numpy as np
import pytest
import soundfile

from core import datasets
from core.datasets.problems import PROBLEM_KINDS
from core.progress import JobCancelled, Progress, WorkStep

TOKENS = "Flickr8k_text/Flickr8k.token.txt"


@pytest.fixture
def every_defect(made, tmp_path):
    """Flickr8k with twelve pictures, and all that can go wrong in it at once."""
    made.flickr8k(pictures=12)
    wavs, pictures = made.root / "flickr_audio/wavs", made.root / "Flicker8k_Dataset"
    (wavs / "a_0.wav").unlink()
    (wavs / "b_0.wav").write_bytes(b"")
    (wavs / "c_0.wav").write_bytes(b"no sound")
    whole = (wavs / "d_0.wav").read_bytes()
    (wavs / "d_0.wav").write_bytes(whole[: len(whole) // 2])
    made.sound("flickr_audio/wavs/e_0.wav", channels=2)
    soundfile.write(wavs / "f_0.wav", np.zeros(0), 16000)
    (wavs / "g_0.wav").rename(tmp_path / "g_0.wav")
    (wavs / "g_0.wav").symlink_to(tmp_path / "g_0.wav")
    (pictures / "a.jpg").unlink()
    (pictures / "b.jpg").write_bytes(b"")
    (pictures / "c.jpg").write_text("no picture")
    made.picture("Flicker8k_Dataset/unlisted.jpg")
    made.sound("flickr_audio/wavs/stray.wav")
    made.append(TOKENS, b"\xef\xbb\xbf2258277193_586949ec62.jpg.1#0\tOdd .\r\n\nbroken line\na.jpg#0\tAgain .\n"
                        b"h.jpg#7\t\ni.jpg#8\tcaf\xe9 .\n")
    made.append("flickr_audio/wav2capt.txt", "../../../up.wav a.jpg #1\n")
    made.append("Flickr8k_text/Flickr_8k.trainImages.txt", "c.jpg\n")
    return made.root


def test_every_defect_at_once_is_named_and_nothing_stops(every_defect):
    found = datasets.inspect(every_defect)
    named = {problem.what: (problem.count, problem.examples) for problem in found.problems}
    assert named == {
        "malformed lines": (1, ("Flickr8k.token.txt line 27: no picture#number, tab, caption",)),
        "blank lines": (1, ("Flickr8k.token.txt line 26",)),
        "lines that are not UTF-8": (1, ("Flickr8k.token.txt line 30",)),
        "byte order marks": (1, ("Flickr8k.token.txt line 25",)),
        "lists with Windows line ends": (1, ("Flickr8k.token.txt",)),
        "paths that leave the folder": (1, ("../../../up.wav",)),
        "symbolic links that lead out of the folder": (1, ("g_0.wav",)),
        "missing pictures": (2, ("a.jpg", "2258277193_586949ec62.jpg.1")),
        "empty pictures": (1, ("Flicker8k_Dataset/b.jpg",)),
        "unreadable pictures": (1, ("Flicker8k_Dataset/c.jpg",)),
        "missing recordings": (1, ("a_0.wav",)),
        "empty recordings": (2, ("flickr_audio/wavs/b_0.wav", "flickr_audio/wavs/f_0.wav")),
        "recordings that break off": (1, ("flickr_audio/wavs/d_0.wav",)),
        "unreadable recordings": (1, ("flickr_audio/wavs/c_0.wav",)),
        "stereo recordings": (1, ("flickr_audio/wavs/e_0.wav",)),
        "captions without a recording": (3, ("2258277193_586949ec62.jpg.1#0", "h.jpg#7", "i.jpg#8")),
        "recordings without a caption": (1, ("flickr_audio/wavs/stray.wav",)),
        "empty captions": (1, ("h.jpg#7",)),
        "pictures without a caption": (1, ("Flicker8k_Dataset/unlisted.jpg",)),
        "odd ids": (1, ("2258277193_586949ec62.jpg.1",)),
        "duplicate ids": (1, ("Flickr8k.token.txt line 28: a.jpg#0",)),
        "pictures in no split": (1, ("2258277193_586949ec62.jpg.1",)),
        "pictures in two splits": (1, ("c.jpg: train and test",)),
    }
    assert {split.name: (split.images, split.utterances, split.usable) for split in found.splits} == {
        "train": (4, 9, 4), "dev": (4, 8, 6), "test": (4, 8, 5)}


def test_the_json_has_the_promised_shape(every_defect):
    shape = json.loads(json.dumps(datasets.to_json(datasets.inspect(every_defect))))
    assert list(shape) == ["kind", "splits", "problems"]
    assert shape["kind"] == "flickr8k"
    assert shape["splits"]["train"] == {"images": 4, "utterances": 9}
    assert all(list(problem) == ["what", "count", "examples"] for problem in shape["problems"])


def test_five_examples_are_shown_and_the_rest_is_counted(made):
    made.flickr8k(pictures=9, speech=False)
    found = datasets.inspect(made.root)
    problem = next(problem for problem in found.problems if problem.key == "no_recording")
    assert (problem.count, len(problem.examples), len(problem.items)) == (18, 5, 18)
    assert "          and 13 more" in datasets.describe(found)


def test_people_read_counts_and_what_is_done_about_each_problem(every_defect):
    text = "\n".join(datasets.describe(datasets.inspect(every_defect)))
    assert f"{'train':<12}{4:>10}{9:>12}{4:>10}" in text
    assert "1 pictures in two splits (kept in the test or dev split, not in training)" in text
    assert "Flickr8k.token.txt is a list of Flickr8k." in text


def test_a_sound_dataset_is_said_to_be_one(made):
    assert datasets.describe(datasets.inspect(made.flickr8k()))[-1] == "Nothing is wrong with it."


def test_progress_goes_to_the_end_and_a_cancel_stops(made):
    dataset = datasets.load(made.flickr8k())
    told = []
    datasets.report(dataset, told.append)
    assert told[-1] == Progress(WorkStep.CHECKING_DATASET, 9, 9)

    def cancel(progress: Progress) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        datasets.report(dataset, cancel)
    with pytest.raises(JobCancelled):
        datasets.load(made.root, report=cancel)


def test_kinds_of_problems_are_each_named_once():
    for names in ([kind.key for kind in PROBLEM_KINDS], [kind.what for kind in PROBLEM_KINDS]):
        assert len(set(names)) == len(names)


def test_recordings_that_only_other_decoders_know_are_looked_at_too(made):
    made.flickr8k()
    import av
    path = made.root / "flickr_audio/wavs/a_0.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    lists = made.root / "flickr_audio/wav2capt.txt"
    lists.write_text(lists.read_text().replace("a_0.wav", "a_0.m4a"))
    (made.root / "flickr_audio/wavs/a_0.wav").unlink()
    problems = {problem.what: problem.items for problem in datasets.inspect(made.root).problems}
    assert problems == {"stereo recordings": ("flickr_audio/wavs/a_0.m4a",)}
