"""Speech-to-image and image-to-speech recall and word errors of the program on Flickr8k's test split.

python -m tests.benchmarks.retrieval --data FOLDER [--plain] [--limit N]

FOLDER has Flickr8k's classic layout with spoken captions. A picture is right when it is the captioned one, by its id;
equal scores count against the model. `--plain` also measures openai-whisper's `transcribe` with the same backbone.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from whisper.normalizers import EnglishTextNormalizer

from core import audio, weights
from core.cli.output import ProgressPrinter, table
from core.errors import QueryError
from core.explorer import Explorer, SearchResult
from core.home import Home, find_home
from core.progress import Progress
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.benchmarks.common import test_split

GALLERY = "flickr8k test"
KS = (1, 5, 10)


@dataclass(frozen=True)
class Utterance:
    """A spoken caption: its recording, its picture's file name and its words."""

    wav: Path
    picture: str
    caption: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one utterance; `rank` 0 and no `vector` when nothing was heard."""

    heard: str
    rank: int
    vector: np.ndarray | None
    seconds: float


def read_test(data: Path) -> list[Utterance]:
    """The test split's utterances, in the order of the list of recordings."""
    return [Utterance(spoken.recording, spoken.image_id, spoken.caption)
            for spoken in test_split(data).utterances if spoken.recording]


def rank_of(result: SearchResult, picture: str) -> int:
    """The rank of a picture; one that scores the same stands before it."""
    right = next(hit.score for hit in result.hits if hit.image.path.name == picture)
    return sum(1 for hit in result.hits if hit.score >= right)


def ask_all(explorer: Explorer, utterances: Sequence[Utterance],
            to_ask: Callable[[Utterance], QueryTerm]) -> list[Outcome]:
    outcomes = []
    progress = ProgressPrinter()
    for done, utterance in enumerate(utterances):
        progress(Progress(done=done, total=len(utterances), subject="Asking"))
        start = time.perf_counter()
        try:
            result = explorer.search(GALLERY, [to_ask(utterance)], top=100_000)
        except QueryError as error:
            if error.kind not in ("nothing_heard", "empty"):
                raise
            outcomes.append(Outcome("", 0, None, time.perf_counter() - start))
            continue
        spent = time.perf_counter() - start
        term = result.terms[0]
        outcomes.append(Outcome(term.label, rank_of(result, utterance.picture), term.vector, spent))
    progress.finish()
    return outcomes


def recalls(ranks: Sequence[int]) -> list[str]:
    """R@1/5/10 in per cent; rank 0 is none."""
    return [f"{100 * sum(1 for rank in ranks if 0 < rank <= k) / len(ranks):.1f}" for k in KS]


def image_to_speech(explorer: Explorer, utterances: Sequence[Utterance], outcomes: Sequence[Outcome]) -> list[int]:
    """For each picture the best rank of one of its utterances among all that were heard."""
    gallery = explorer.gallery(GALLERY)
    ids, vectors = zip(*gallery.vectors(explorer.fingerprint().hash), strict=True)
    names = {record.id: record.path.name for record in gallery.images()}
    pictures = [names[image_id] for image_id in np.concatenate(ids).tolist()]
    heard = [(utterance.picture, outcome.vector) for utterance, outcome in zip(utterances, outcomes, strict=True)
             if outcome.vector is not None]
    scores = np.concatenate(vectors) @ np.stack([vector for _, vector in heard]).T
    ranks = []
    for picture, row in zip(pictures, scores, strict=True):
        own = np.array([name == picture for name, _ in heard])
        if any(utterance.picture == picture for utterance in utterances):
            ranks.append(1 + int((row[~own] >= row[own].max()).sum()) if own.any() else 0)
    return ranks


def word_errors(utterances: Sequence[Utterance], heard: Sequence[str]) -> str:
    """Word error rate in per cent, after Whisper's own normalising of English."""
    clean = EnglishTextNormalizer()
    return f"{100 * jiwer.wer([clean(one.caption) for one in utterances], [clean(text) for text in heard]):.1f}"


def plain_asks(checkpoint: Path, utterances: Sequence[Utterance]) -> tuple[dict[Path, str], float]:
    """What openai-whisper's own `transcribe` hears, and its median seconds."""
    import whisper

    model, heard, spent = whisper.load_model(str(checkpoint), "cpu"), {}, []
    progress = ProgressPrinter()
    for done, utterance in enumerate(utterances):
        progress(Progress(done=done, total=len(utterances), subject="Transcribing plainly"))
        samples = np.array(audio.read(utterance.wav).samples)
        start = time.perf_counter()
        heard[utterance.wav] = model.transcribe(samples, fp16=False, language="en")["text"].strip()
        spent.append(time.perf_counter() - start)
    progress.finish()
    return heard, statistics.median(spent)


def row(name: str, explorer: Explorer, utterances: Sequence[Utterance], outcomes: Sequence[Outcome],
        seconds: float) -> tuple[str, ...]:
    to_speech = image_to_speech(explorer, utterances, outcomes)
    return (name, word_errors(utterances, [outcome.heard for outcome in outcomes]),
            " / ".join(recalls([outcome.rank for outcome in outcomes])), " / ".join(recalls(to_speech)),
            f"{seconds * 1e3:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--limit", type=int, default=None, help="only the first N utterances")
    chosen = parser.parse_args()
    utterances = read_test(chosen.data)[:chosen.limit]
    users_home = find_home()
    checkpoint = weights.find("whisper-base", users_home)
    assert checkpoint is not None, "brewclip weights fetch whisper-base"
    os.environ["BREWCLIP_MODELS"] = str(checkpoint.parent)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        for name in (chosen.data / "Flickr8k_text" / "Flickr_8k.testImages.txt").read_text().split():
            (pictures / name).write_bytes((chosen.data / "Flicker8k_Dataset" / name).read_bytes())
        settings = Settings().with_value("vision.backbone", "brewclip-mini").with_value("search.keep_history", False)
        explorer = Explorer(Home(Path(folder) / "home"), settings)
        indexed = explorer.index(pictures, GALLERY, ProgressPrinter())
        explorer.warm_up()
        outcomes = ask_all(explorer, utterances, lambda utterance: QueryTerm("speech", path=utterance.wav))
        rows = [row("this program", explorer, utterances, outcomes,
                    statistics.median(outcome.seconds for outcome in outcomes))]
        if chosen.plain:
            heard, seconds = plain_asks(checkpoint, utterances)
            typed = ask_all(explorer, utterances, lambda utterance: QueryTerm("text", text=heard[utterance.wav]))
            rows.append(row("plain stack", explorer, utterances, typed,
                            seconds + statistics.median(outcome.seconds for outcome in typed)))
        explorer.close()
    silent = sum(1 for outcome in outcomes if not outcome.heard)
    print(f"{indexed.indexed} pictures, {len(utterances)} utterances, nothing heard in {silent}; {len(indexed.failed)} "
          f"pictures not read; indexed in {indexed.seconds:.1f} s")
    print(table(rows, ("", "WER %", "speech to image R@1/5/10", "image to speech R@1/5/10", "ms a query (median)"),
                right=(1, 4)))


if __name__ == "__main__":
    main()
