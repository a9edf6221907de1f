"""The paper's tables: published figures marked as such, ours beside those that they belong to, three formats."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import EvaluationError
from core.evaluation import protocol, seeds, table_formats, tables
from core.evaluation.metrics import metrics
from core.evaluation.published import TABLES
from core.evaluation.records import EvaluationRecord, Setup, Unseen, WordErrors
from core.features.noise import Condition
from core.models import checkpoints
from core.models import registry as engine
from core.models.variants import BrewClipOptions
from core.training.recipe import TrainingOptions


def record(number, variant="zero-shot", kind="flickr8k", trained_on="", rank=1, sizes=(1000, 5000), **fields):
    """An evaluation by the paper's protocol, unless `sizes` or `fields` say otherwise."""
    setup = Setup(Path("/d/flickr8k"), kind, "test", f"M{number}_100%", variant,
                  Path("/r") if trained_on else None, "ViT-L-14/openai", "Whisper base", "centre",
                  trained_on=trained_on, deviations=() if trained_on else None)
    figures = metrics(np.tile([rank, 1, 99], 4), np.arange(12))
    unseen = Unseen(figures, figures, 2) if trained_on else None
    return EvaluationRecord(replace(setup, **fields), figures, figures,
                            WordErrors(1, 100, 5), *sizes, 0, 0, unseen, "", 1.0, id=number,
                            created=datetime.now(UTC))


def row(table, *labels):
    return next(each for each in table.rows if each.labels == labels)


def test_published_figures_are_those_of_the_notes_and_whole():
    assert [each.number for each in TABLES] == [1, 2, 4, 5]
    one = tables.fill(1, [])
    assert row(one, "BrewCLIP", "Flickr8k").published == (66.5, 89.1, 94.6, 79.3, 95.9, 98.6)
    assert row(one, "PIP-only BrewCLIP (prompted)", "Flickr8k").published == (68.5, 89.9, 94.5, 80.8, 95.8, 98.6)
    five = tables.fill(5, [])
    for name in ("Flickr8k", "SpokenCOCO"):
        full = row(one, "BrewCLIP", name).published
        assert row(five, name, name).published == (full[1], full[4]), "row = trained on, column = evaluated on"
    for table in TABLES:
        for each in table.rows:
            assert len(each.figures) == len(table.columns)
            assert all(0 < figure < 100 for figure in each.figures)
            if len(each.figures) == 6:
                assert list(each.figures[:3]) == sorted(each.figures[:3])
                assert list(each.figures[3:]) == sorted(each.figures[3:])
    assert len(tables.fill(2, []).rows) == 8
    assert len(tables.fill(4, []).rows) == 4
    assert len(five.rows) == 9


def test_ours_stand_beside_the_rows_they_belong_to_and_nowhere_else():
    made = [record(1), record(2, rank=99), record(9, split="dev"), record(3, "full", trained_on="flickr8k"),
            record(4, "full", trained_on="spokencoco"), record(5, captions=True), record(6, split="train"),
            record(8, condition=Condition("white", 0.0))]
    table = tables.fill(1, made)
    filled = {each.labels: each.evaluation_id for each in table.rows if each.evaluation_id is not None}
    assert filled == {("PIP-only BrewCLIP (zero-shot)", "Flickr8k"): 2, ("BrewCLIP", "Flickr8k"): 3}
    zero = row(table, "PIP-only BrewCLIP (zero-shot)", "Flickr8k")
    assert zero.ours == pytest.approx((100 / 3,) * 6)
    assert (zero.images, zero.model, zero.note, zero.differs) == (1000, "M2_100%", "ours on flickr8k test", ())
    assert row(table, "SpeechCLIP-P", "Flickr8k").ours == (None,) * 6
    five = tables.fill(5, made)
    crossed = row(five, "SpokenCOCO", "Flickr8k")
    assert crossed.evaluation_id == 4
    assert crossed.ours == pytest.approx((200 / 3,) * 4)
    assert len(five.ours) == 4
    assert row(tables.fill(4, made), "Ground truth", "SpokenCOCO").evaluation_id is None


@pytest.mark.parametrize(("fields", "words"), [
    ({"sizes": (40, 80)}, "not comparable: 40 pictures (paper: 1000), 80 utterances (paper: 5000)"),
    ({"backbone": "brewclip-mini"}, "differs: backbone brewclip-mini (paper: ViT-L-14/openai)"),
    ({"crop": "squash"}, "differs: crop squash (paper: centre)"),
    ({"split": "val"}, "differs: split val (paper: test)"),
    ({"whisper": "Whisper tiny"}, "differs: recogniser Whisper tiny (paper: Whisper base)"),
    ({"deviations": ("prompts none (paper: 4)",)}, "differs: prompts none (paper: 4)"),
    ({"deviations": None}, "differs: options of the model not recorded")])
def test_what_differs_from_the_protocol_stands_in_a_row_of_its_own_and_replaces_nothing(fields, words):
    full, other = record(1, "full", trained_on="flickr8k"), record(2, "full", trained_on="flickr8k", **fields)
    for made in ([full, other], [other]):
        rows = [each for each in tables.fill(1, made).rows if each.labels[1:] == ("Flickr8k",)
                and each.labels[0].startswith("BrewCLIP")]
        assert [each.evaluation_id for each in rows] == [1 if full in made else None, 2]
        assert rows[0].published == (66.5, 89.1, 94.6, 79.3, 95.9, 98.6)
        own = rows[1]
        assert own.labels[0] == "BrewCLIP, as evaluated here" and own.published == (None,) * 6
        assert own.note.startswith(words) and own.comparable is not words.startswith("not")


def test_of_evaluations_that_differ_alike_the_newest_stands_there():
    made = [record(number, sizes=(60, 120)) for number in (1, 2, 3)] + [record(4, sizes=(200, 396))]
    rows = [each for each in tables.fill(1, made).rows if each.differs]
    assert [each.evaluation_id for each in rows] == [4, 3]


def test_deviations_name_what_the_shipped_model_changes():
    found = protocol.deviations(checkpoints.read_run(engine.SHIPPED))
    assert {"prompts none (paper: 4)", "gate True (paper: none)", "acoustic weight 0.7 (paper: 1.0)"} <= set(found)


def test_the_papers_recipe_is_that_of_the_training_options():
    options = TrainingOptions()
    assert dict(protocol.TRAINING) == {name: getattr(options, name) for name in protocol.TRAINING}


@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_every_format_marks_whose_figures_they_are(number):
    made = [record(3, "full", trained_on="flickr8k"), record(1)]
    table = tables.fill(number, made)
    found = list(csv.reader(io.StringIO(table_formats.export(table, "csv"))))
    assert {len(line) for line in found} == {len(table.headings)}
    for heading in found[0][len(table.labels):-3]:
        assert heading.endswith(("(paper)", "(ours)"))
    markdown = table_formats.export(table, "markdown").splitlines()
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in markdown[2:]} == {len(table.headings) + 1}
    latex = table_formats.export(table, "latex")
    assert latex.count(r"\\") == len(table.rows) + 1
    assert re.search(r"(?<!\\)[%_]", latex) is None
    for line in latex.splitlines():
        if line.endswith(r"\\"):
            assert line.count(" & ") == len(table.headings) - 1


def test_any_evaluations_as_a_table():
    table = tables.metrics_table([record(1), record(2, "full", trained_on="flickr8k")])
    assert [each.evaluation_id for each in table.rows] == [1, 2]
    heads, first, _ = csv.reader(io.StringIO(table_formats.export(table, "csv")))
    assert heads[1:4] == ["Speech to image R@1", "Speech to image R@1 from", "Speech to image R@1 to"]
    value, low, high = map(float, first[1:4])
    assert low < value == 66.7 < high
    assert first[heads.index("WER")] == "1.0"
    for form, text in (("markdown", f" 66.7 [{low}, {high}] |"),
                       ("latex", rf" 66.7 {{\scriptsize [{low}, {high}]}} &")):
        assert text in table_formats.export(tables.metrics_table([record(1)]), form)


def test_what_is_not_there_is_told():
    with pytest.raises(EvaluationError, match="there are 1, 2, 4, 5"):
        tables.fill(3, [])
    with pytest.raises(EvaluationError, match="there are csv, markdown, latex"):
        table_formats.export(tables.fill(1, []), "html")


def test_the_best_of_a_column_is_bold_with_all_ties_and_never_across_other_data():
    made = [record(1), record(2), record(3, rank=50), record(4, rank=99, sizes=(40, 80))]
    table = tables.metrics_table(made)
    best = [[cell.best for cell in cells] for cells in table_formats.figure_cells(table)]
    names = list(table.ours)
    assert [line[names.index("Speech to image R@1")] for line in best] == [True, True, False, False]
    assert [line[names.index("Image to speech mean rank")] for line in best] == [True, True, False, False], "least"
    assert [line[names.index("WER")] for line in best] == [True, True, True, False]
    lines = table_formats.export(table, "markdown").splitlines()[4:]
    assert lines[0].split(" | ")[1].startswith("**66.7** [") and lines[2].split(" | ")[1].startswith("33.3 [")
    assert r"& \textbf{66.7} {\scriptsize [" in table_formats.export(table, "latex")


def test_rows_that_are_not_comparable_are_never_bold():
    full = [record(1, "full", trained_on="flickr8k"), record(2), record(3, rank=50, sizes=(40, 80))]
    table = tables.fill(1, full)
    best = {row.labels: [cell.best for cell in cells]
            for row, cells in zip(table.rows, table_formats.figure_cells(table), strict=True)}
    assert best["PIP-only BrewCLIP (prompted)", "Flickr8k"][:2] == [True, True], "of the published figures"
    assert best["BrewCLIP", "Flickr8k"][2] and not best["BrewCLIP", "Flickr8k"][0]
    assert best["BrewCLIP", "Flickr8k"][6:] == best["PIP-only BrewCLIP (zero-shot)", "Flickr8k"][6:] == [True] * 6
    assert not any(best["PIP-only BrewCLIP (zero-shot), as evaluated here", "Flickr8k"])


def test_every_table_says_how_models_were_selected():
    for number in (1, 2, 4, 5):
        about = tables.fill(number, []).about
        assert "on the test split by mean R@1" in about and "ours on the dev split" in about


def run_of(folder, seed, weight=1.0, **training):
    """A checkpoint's `run.json`, as training writes it."""
    options = {**TrainingOptions().to_json(), "seed": seed, **training}
    made = checkpoints.Run("full", BrewClipOptions(acoustic_weight=weight), "ViT-L-14/openai", "abc", "Whisper base",
                           512, "own", "centre", {"kind": "flickr8k", "pairs": 9}, {"training": options}, seed)
    folder.mkdir()
    (folder / checkpoints.RUN).write_text(json.dumps({**made.to_json(), "tensors": ""}))
    return folder


@pytest.fixture
def seeded(tmp_path):
    """Evaluations of three seeds, of one seed again, of a run with another recipe, and one that is gone."""
    folders = [run_of(tmp_path / f"s{seed}", seed) for seed in range(3)]
    folders += [folders[0], run_of(tmp_path / "other", 3, batch=16), tmp_path / "gone"]
    return [record(number, "full", trained_on="flickr8k", rank=rank, checkpoint=folder)
            for number, (folder, rank) in enumerate(zip(folders, (1, 1, 50, 99, 1, 1), strict=True), 1)]


def test_seeds_are_one_row_on_request(seeded):
    assert [[each.id for each in group] for group in seeds.groups(seeded[::-1])] == [[6], [5], [4, 3, 2]], (
        "the newest of a seed")
    table = tables.metrics_table(seeded[::-1], seeds_as_one=True)
    row = table.rows[2]
    assert row.labels == ("flickr8k test · BrewCLIP, 3 seeds",) and row.intervals == (None,) * len(table.ours)
    values = [100 / 3, 100 / 3, 200 / 3]
    assert (row.ours[0], row.spreads[0]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert row.note == "mean ± standard deviation of 3 seeds, evaluations 2, 3, 4"
    assert len(tables.metrics_table(seeded).rows) == 6
    one = tables.fill(1, seeded, seeds_as_one=True)
    first = row_of_full(one)
    assert first.model == "M6_100%", "the newest stands there"
    first = row_of_full(tables.fill(1, seeded[:4], seeds_as_one=True))
    assert first.ours[0] == pytest.approx(np.mean(values)) and first.spreads[0] is not None
    heads, *lines = csv.reader(io.StringIO(table_formats.export(table, "csv")))
    assert heads[4] == "Speech to image R@1 sd" and lines[2][1:5] == ["44.4", "", "", "19.2"]
    assert "44.4 ± 19.2" in table_formats.export(table, "markdown")
    assert r"44.4 {\scriptsize $\pm$ 19.2}" in table_formats.export(table, "latex")


@pytest.mark.parametrize(("chosen", "count"), [(True, 1), (False, 2)])
def test_a_weight_that_training_chose_is_no_difference_between_seeds(tmp_path, chosen, count):
    made = [record(number, "full", trained_on="flickr8k", deviations=(f"acoustic weight {weight}",),
                   checkpoint=run_of(tmp_path / str(number), number, weight, choose_weight=chosen))
            for number, weight in enumerate((0.1, 0.7), 1)]
    assert len(seeds.groups(made)) == count


def row_of_full(table):
    return row(table, "BrewCLIP", "Flickr8k")
