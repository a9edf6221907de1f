"""`brewclip history` and `brewclip caches`: listed, asked about, deleted."""

import io
import json
import sys
from pathlib import Path

import pytest

from core import cli, settings
from core.home import Home
from core.store.store import Store


class Terminal(io.StringIO):
    """A terminal with a person at it who types an answer."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def store(home: Home):
    made = Store.open(home.store)
    recording = home.recordings / "ab.flac"
    recording.parent.mkdir()
    recording.write_bytes(bytes(2000))
    made.add_query("Holidays", "a red \x1b[31mhouse", "speech", recording)
    made.add_query("Holidays", "a dog", "text")
    made.keep_transcript("ab", "base", {"text": "a red house"})
    made.keep_transcript("file", "base", {"text": "a file"})
    yield made
    made.close()


@pytest.mark.slow
def test_the_history_is_listed_with_what_it_takes(store: Store, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["history", "list"]) == 0
    out = capsys.readouterr().out
    assert "a dog" in out and "a red ?[31mhouse" in out
    assert "2 queries, 1 recording (2 kB) and 2 transcripts" in out and "kept until it is deleted" in out
    assert cli.main(["history", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["text"] for one in found["queries"]] == ["a dog", "a red \x1b[31mhouse"]
    assert (found["recordings"], found["recording_bytes"], found["transcripts"]) == (1, 2000, 2)


def test_listing_applies_the_limit_of_the_settings(store: Store, home: Home, capsys: pytest.CaptureFixture) -> None:
    settings.save(settings.Settings().with_value("search.history_days", 30), home.settings)
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE query SET created = datetime('now', '-40 days') WHERE text = 'a dog'")
    assert cli.main(["history", "list"]) == 0
    out = capsys.readouterr().out
    assert "a dog" not in out and "deleted after 30 days" in out


def test_without_a_terminal_nothing_is_deleted_unless_yes_is_said(store: Store, capsys: pytest.CaptureFixture,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert cli.main(["history", "clear"]) == 2
    assert "2 queries, 1 recording (2 kB)" in (said := capsys.readouterr().err) and "--yes" in said
    assert len(store.queries()) == 2
    assert cli.main(["history", "clear", "--yes"]) == 0
    assert "Deleted: 2 queries, 1 recording (2 kB) and 2 transcripts" in capsys.readouterr().out
    assert not store.history_content()
    assert cli.main(["history", "clear"]) == 0
    assert "nothing to delete" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("Yes\n", 0, 0), ("\n", 2, 2), ("n\n", 2, 2),
                                                      ("", 2, 2)])
def test_on_a_terminal_it_asks(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                               answer: str, code: int, left: int) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert cli.main(["history", "clear"]) == code
    assert "Delete? [y/N]" in capsys.readouterr().err
    assert len(store.queries()) == left


def test_only_what_is_older(store: Store) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE query SET created = datetime('now', '-40 days') WHERE text = 'a dog'")
    assert cli.main(["history", "clear", "--older", "30", "--yes"]) == 0
    assert [query.source for query in store.queries()] == ["speech"]
    for wrong in ("0", "-1", "x"):
        with pytest.raises(SystemExit):
            cli.main(["history", "clear", "--older", wrong, "--yes"])


@pytest.mark.slow
def test_caches_are_listed_and_cleared(store: Store, home: Home, capsys: pytest.CaptureFixture,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    cached: Path = home.caches / "thumbnails" / "ab" / "a.jpg"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(bytes(3000))
    assert cli.main(["caches", "list"]) == 0
    assert "Thumbnails" in (out := capsys.readouterr().out) and "3 kB in all; limit: 100 GB." in out
    assert cli.main(["caches", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"bytes": {"thumbnails": 3000}, "limit_gb": 100}
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert cli.main(["caches", "clear"]) == 2 and cached.exists()
    assert cli.main(["caches", "clear", "--yes"]) == 0
    assert "Deleted: 3 kB." in capsys.readouterr().out and not cached.exists()
    assert len(store.queries()) == 2
