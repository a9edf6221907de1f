"""`brewclip search`: words without an option, the usual gallery, paths, CSV and strength."""

import csv
import io
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import cli
from core.explorer import SearchResult
from core.search.queries import Hit, MatchSignificance, ScoreShare
from core.store.records import ImageRecord


@pytest.fixture
def stand(home, monkeypatch):
    """An explorer that answers with three hits; `galleries` and `latest` are those of its store."""
    made = SimpleNamespace(galleries=["holiday"], latest=[], asked=None, names=["a.jpg", "b c.jpg", "new\nline.jpg"])

    class Store:
        def galleries(self):
            return [SimpleNamespace(name=name) for name in made.galleries]

        def queries(self, limit):
            return [SimpleNamespace(gallery=name) for name in made.latest][:limit]

    def search(gallery, asked, top, chosen, report, word_times, exact, all_copies):
        made.asked = gallery, [(term.text, term.weight) for term in asked]
        hits = [Hit(rank, ImageRecord(rank, Path("/pictures") / name, 4, 3, 99, 0.0, datetime(2024, 5, 1, tzinfo=UTC),
                                      ("=sea", "sun"), "00", 3), 0.5 - rank / 10,
                    MatchSignificance(level, 0.01 * rank), (ScoreShare("x", "text", 0.5 - rank / 10),))
                for rank, (name, level) in enumerate(zip(made.names, ("strong", "fair", "weak"), strict=True), 1)]
        return SearchResult(gallery, tuple(hits), 30, None, None, (), 0, {"search": 2.0}, 0, False)

    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: SimpleNamespace(
        store=Store(), search=search, close=lambda: None))
    return made


def run(*words):
    return cli.main(["search", *words])


def test_words_need_no_option_and_one_gallery_no_name(stand, capsys):
    assert run("a", "red", "boat", "--minus-text", "people", "--top", "3") == 0
    assert stand.asked == ("holiday", [("a red boat", 1.0), ("people", -1.0)])


def test_of_several_galleries_the_one_of_the_latest_query_is_searched(stand, capsys):
    stand.galleries, stand.latest = ["holiday", "work"], ["work"]
    assert run("boat") == 0
    assert stand.asked[0] == "work" and "Searching work, as the latest query did" in capsys.readouterr().err
    assert run("boat", "--gallery", "holiday") == 0
    assert stand.asked[0] == "holiday" and "as the latest" not in capsys.readouterr().err
    stand.latest = ["deleted"]
    assert run("boat") == 2
    assert "there are holiday, work" in capsys.readouterr().err
    stand.galleries = []
    assert run("boat") == 2
    assert "there is none yet; `brewclip index` makes one" in capsys.readouterr().err


def test_paths_can_be_given_to_other_commands(stand, capfdbinary):
    assert run("boat", "-0") == 0
    assert capfdbinary.readouterr().out == b"/pictures/a.jpg\0/pictures/b c.jpg\0/pictures/new\nline.jpg\0"
    stand.names[0] = os.fsdecode(b"caf\xe9.jpg")  # no UTF-8
    assert run("boat", "-0", "--min-strength", "strong") == 0
    out = capfdbinary.readouterr().out
    assert out == b"/pictures/caf\xe9.jpg\0"
    counted = subprocess.run(["xargs", "-0", "-n1", "echo"], input=out, capture_output=True, check=True)
    assert counted.stdout == b"/pictures/caf\xe9.jpg\n"
    assert run("boat", "--paths") == 0
    assert capfdbinary.readouterr().out.count(b"\n") == 3, "a line for each, whatever is in a name"


def test_weak_hits_can_be_left_out(stand, capsys):
    assert run("boat", "--min-strength", "fair") == 0
    assert "weak" not in capsys.readouterr().out
    stand.names = ["x.jpg"] * 3
    assert run("boat", "--min-strength", "strong", "--paths") == 0
    assert capsys.readouterr().out == "/pictures/x.jpg\n"


def test_csv_has_all_facts_and_no_formula(stand, capsys):
    assert run("boat", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["rank"] for row in rows] == ["1", "2", "3"] and rows[1]["strength"] == "fair"
    assert rows[0]["tags"] == "'=sea; sun" and (rows[0]["rating"], rows[0]["width"]) == ("3", "4")


def test_one_format_at_a_time(stand, capsys):
    for words in (("--json", "--csv"), ("--paths", "--json"), ("-0", "--csv")):
        assert run("boat", *words) == 2
        assert "Choose one of --paths, --csv and --json" in capsys.readouterr().err
    assert stand.asked is None
