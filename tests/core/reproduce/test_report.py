"""The report of a reproduction: what it shows, that it stands alone, and that outside names do no harm."""

import html
import json
import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import ReproductionError
from core.evaluation import archive
from core.evaluation.metrics import metrics
from core.evaluation.records import IMPORTED, Setup, SplitImage, Summary, UtteranceFacts
from core.models import checkpoints
from core.models.variants import BrewClipOptions
from core.reproduce import report, report_content
from core.reproduce.records import PlanStep, Reproduction, StepRecord
from core.reproduce.report_content import AUTHORS, OURS, PUBLISHED
from core.store.store import Store
from core.training.recipe import TrainingOptions

ROUGH = "<script>alert(1)</script> & \"quotes\" \u0635\u0648\u062a \u56fe\u50cf \udce9 {{ 7 * 7 }}"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><script>alert(2)</script></svg>'


def imported(store, model, rank, folder=None, split="test"):
    """An evaluation of vectors that another program computed, on the data of `stored`, or of another folder or split.
    """
    ranks = np.tile([rank, 1, 99], 4)
    figures = metrics(ranks, np.arange(12))
    folder = folder or Path("/data") / ROUGH.replace("/", "-")
    setup = Setup(folder, "flickr8k", split, model, IMPORTED, None, "", "", "")
    summary = Summary(setup, figures, figures, None, 1000, 5000, 0, 0, None, "", 1.0)
    return archive.keep(store, summary, [SplitImage("a", None)], [UtteranceFacts("u", 0, "", "", "", None, 0, None, 0)],
                        {}).id


def stored(store, checkpoint, rank, kind="flickr8k"):
    """An evaluation of twelve pictures whose utterances rank at `rank`, 1 and 99 in turns."""
    ranks = np.tile([rank, 1, 99], 4)
    figures = metrics(ranks, np.arange(12))
    setup = Setup(Path("/data") / ROUGH.replace("/", "-"), kind, "test", "BrewCLIP (run)",
                  "full" if checkpoint else "zero-shot", checkpoint, "ViT-L-14/openai", "Whisper base", "centre",
                  trained_on=kind if checkpoint else "", deviations=() if checkpoint else None)
    summary = Summary(setup, figures, figures, None, 1000, 5000, 0, 0, None, "", 1.0)
    return archive.keep(store, summary, [SplitImage("a", None)], [UtteranceFacts("u", 0, "", "", "", None, 0, None, 0)],
                        {}).id


def checkpoint(folder, seed, select="mean", dev="dev"):
    training = {**TrainingOptions().to_json(), "seed": seed, "select": select}
    run = checkpoints.Run("full", BrewClipOptions(), "ViT-L-14/openai", "abc", "Whisper base", 512, "own", "centre",
                          {"kind": "flickr8k", "dev": dev}, {"training": training}, seed)
    folder.mkdir()
    (folder / checkpoints.RUN).write_text(json.dumps({**run.to_json(), "tensors": ""}))
    return folder


def step(key, kind, title="", **fields):
    return PlanStep(key, title or f"The step {key}", kind, command=f"brewclip {kind} {key}", **fields)


@pytest.fixture
def made(home, tmp_path):
    """A folder, a reproduction with steps of every kind and state, and an open store."""
    folder = tmp_path / "reproduction"
    for name in ("figures", "emotion"):
        (folder / name).mkdir(parents=True)
    (folder / "figures" / "figure 3.svg").write_text(SVG)
    (folder / "figures" / "figure 3.txt").write_text(f"Queries drawn at random {ROUGH[:20]}\nbrewclip figure 3\n")
    Image.new("RGB", (900, 600), "white").save(folder / "figures" / "figure 3.png", dpi=(300, 300))
    score = {"feature": "paper", "title": "Both, as in the paper", "accuracy": 41.7, "uar": 40.2,
             "spread": {"accuracy": 3.1, "uar": 2.0}, "paper": {"linear": 33.0, "fine-tuned": 60.0}}
    (folder / "emotion" / "e.json").write_text(json.dumps({
        "mode": "linear", "protocol": "paper", "majority": 30.0, "test_files": 200, "notes": [ROUGH[:40]],
        "results": [score]}))
    with closing(Store.open(home.store)) as store:
        runs = [checkpoint(tmp_path / f"s{seed}", seed) for seed in range(3)]
        runs += [checkpoint(tmp_path / "authors", 0, "r1", "test"), None]
        ids = [stored(store, run, rank) for run, rank in zip(runs, (1, 1, 50, 1, 50), strict=True)]
        records = [StepRecord(step("p", "prepare"), "done", "2026-11-30T10:00:00", 75.0, reused=True),
                   *(StepRecord(step(f"e{number}", "evaluate", seed=number % 3), "done", "2026-11-30T10:05:00", 10.0,
                                evaluations=(number,)) for number in ids),
                   StepRecord(step("x", "emotion"), "done", outputs=("emotion/e.json",)),
                   StepRecord(step("f", "figure", f"Figure 3 {ROUGH}", number=3), "done",
                              outputs=("figures/figure 3.svg", "figures/figure 3.png", "figures/figure 3.txt",
                                       "figures/gone.pdf")),
                   StepRecord(step("t", "train", ROUGH), "failed", message=f"No memory is left. {ROUGH * 30}"),
                   StepRecord(step("s", "evaluate", seconds=4000.0), "skipped", message="It needs the step t.")]
        yield folder, Reproduction("small", f"A small plan {ROUGH}", tuple(records), {"flickr8k": f"/data/{ROUGH}"},
                                   "ViT-L-14/openai", "paper", (0, 1, 2), str(home.root), "2026-11-30T10:00:00",
                                   {"Python": "3.11", "Processor": ROUGH}, (f"crop squash {ROUGH}",)), store


class Parsed(HTMLParser):
    """Tags with attributes, and texts, of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def table(content, title):
    return next(grid for section in content for grid in section.grids if grid.title.startswith(title))


def test_paper_authors_criterion_and_ours_stand_side_by_side(made):
    folder, reproduction, store = made
    content = report_content.sections(folder, reproduction, store)
    grid = table(content, "Table 1")
    assert [column.group for column in grid.columns] == ["", "", *[PUBLISHED] * 6, *[AUTHORS] * 6, *[OURS] * 6]
    rows = {row[0].text.split(" [")[0]: row for row in grid.rows if row[1].text == "Flickr8k"}
    full = rows["BrewCLIP"]
    assert [full[number].text for number in (2, 8, 14)] == ["66.5", "66.7", "55.6"]
    assert re.fullmatch(r"\[\d+\.\d, \d+\.\d\]", full[8].beside), "one run: an interval"
    assert full[14].beside == "± 19.2", "three seeds: their spread"
    zero = rows["PIP-only BrewCLIP (zero-shot)"]
    assert zero[8].text == zero[14].text == "33.3", "nothing was chosen: it stands under both"
    assert full[8].best and not zero[8].best
    assert any("3 seeds, evaluations 1, 2, 3" in note for note in grid.notes)
    assert any("on the test split by mean R@1" in text for text in (grid.about,))


def test_imported_vectors_fill_the_row_of_their_name_on_the_data_of_the_plan(made):
    folder, reproduction, store = made
    for model in ("SpeechCLIP-P", "Another model"):
        imported(store, model, 1)
    imported(store, "MILAN", 1, folder=Path("/elsewhere"))
    imported(store, "FaST-VGS-co", 1, split="dev")
    content = report_content.sections(folder, reproduction, store)
    rows = {row[0].text.split(" [")[0]: row for row in table(content, "Table 1").rows if row[1].text == "Flickr8k"}
    speech = rows["SpeechCLIP-P"]
    assert [speech[number].text for number in (2, 8, 14)] == ["39.1", "66.7", "66.7"], "published, and measured here"
    for other in ("MILAN", "FaST-VGS-co"):
        assert rows[other][2].text != "–" and rows[other][8].text == rows[other][14].text == "–", "not of these data"
    texts = [cell.text for section in content for grid in section.grids for row in grid.rows for cell in row]
    assert any("Another model" in text for text in texts), "among the evaluations"
    assert not any("Another model" in row[0].text for row in table(content, "Table 1").rows)


def test_without_the_authors_criterion_there_is_no_column_for_it(made):
    folder, reproduction, store = made
    reproduction = reproduction.with_record(replace(reproduction.record("e4"), evaluations=()))
    grid = table(report_content.sections(folder, reproduction, store), "Table 1")
    assert {column.group for column in grid.columns} == {"", PUBLISHED, OURS}


def test_what_failed_is_said_with_its_reason_and_deleted_evaluations_too(made):
    folder, reproduction, store = made
    archive.delete(store, [2])
    content = report_content.sections(folder, reproduction, store)
    missing = next(section for section in content if section.title.startswith("What is missing"))
    assert [(row[1].text, row[2].text[:12]) for row in missing.grids[0].rows] == [
        ("failed", "No memory is"), ("skipped", "It needs the")]
    assert "The evaluations 2 are no longer" in missing.sentences[0]
    (folder / "emotion" / "e.json").write_text("{")
    emotion = next(section for section in report_content.sections(folder, reproduction, store)
                   if section.title.startswith("Emotion"))
    assert "missing or damaged" in emotion.grids[0].notes[0]


def test_both_files_hold_it_all_and_outside_names_do_no_harm(made, monkeypatch):
    folder, reproduction, store = made
    files = report.write_report(folder, reproduction, store)
    page = files.html.read_text(encoding="utf-8")
    parsed = Parsed(page)
    assert [tag for tag, _ in parsed.tags].count("script") == 1, "the page's own"
    assert "{{ 7 * 7 }}" in page and "49 " not in "".join(parsed.texts)
    assert html.escape("<script>alert(1)</script>", quote=False) in page
    for tag, attributes in parsed.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    images = [attributes["src"] for tag, attributes in parsed.tags if tag == "img"]
    assert len(images) == 1 and images[0].startswith("data:image/svg+xml;base64,")
    text = " ".join(parsed.texts)
    for shown in ("41.7", "33.0", "± 3.1", "1 min", "1 h 7 min", "brewclip evaluate e1", "reused", "crop squash",
                  "Queries drawn at random <script>"):
        assert shown in text, shown
    pdf = files.pdf.read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") >= 4
    assert report.write_report(folder, reproduction, store).pdf.read_bytes() == pdf, "equal contents, equal bytes"


def test_an_empty_reproduction_has_a_report(home, tmp_path):
    with closing(Store.open(home.store)) as store:
        empty = Reproduction("small", "Small", (), {}, "auto", "small-data", (), str(home.root), "")
        files = report.write_report(tmp_path, empty, store)
    assert "Nothing was evaluated." in files.html.read_text() and files.pdf.stat().st_size > 1000


def test_a_folder_that_is_gone_is_told(made, tmp_path):
    _, reproduction, store = made
    with pytest.raises(ReproductionError, match="could not be written"):
        report.write_report(tmp_path / "a" / "b", reproduction, store)
