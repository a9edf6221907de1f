"""The store's file: made, migrated, refused with the reason, full, and opened by many at once."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from core.errors import StoreError
from core.galleries.backends import open_gallery
from core.store import database as database_module
from core.store import reserve
from core.store.database import MIGRATIONS, Database, open_database
from core.store.schema import SCHEMA_REVISION, Base
from core.store.store import Store

REPOSITORY = Path(__file__).resolve().parents[3]


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=REPOSITORY, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kind_of(path: Path) -> str:
    with pytest.raises(StoreError) as raised:
        Store.open(path)
    assert str(path) in str(raised.value) or str(path.parent) in str(raised.value)
    return raised.value.kind


def test_migrations_from_nothing_give_exactly_the_models_tables(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = open_database(tmp_path / "store.sqlite")
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        migrated = tables(connection)
    with Database(tmp_path / "fresh.sqlite").writing() as connection:
        Base.metadata.create_all(connection)
        fresh = tables(connection)
    for name, sql in fresh.items():  # compare_metadata looks at neither AUTOINCREMENT nor cascades nor collations
        assert sorted(words(migrated[name])) == sorted(words(sql)), name


def tables(connection: Connection) -> dict[str, str]:
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type='table'").all()
    return {row[0]: row[1] for row in found}


def words(sql: str) -> list[str]:
    return sql.replace(",", " ").replace("(", " ").replace(")", " ").split()


def test_the_revision_that_opening_looks_for_is_the_last_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_REVISION


@pytest.mark.slow
def test_opening_again_needs_no_alembic_and_keeps_the_galleries(tmp_path: Path) -> None:
    path = tmp_path / "new" / "home" / "store.sqlite"
    first = Store.open(path)
    first.create_gallery("Holidays")
    first.close()
    child = run("import sys; from pathlib import Path; from core.store.store import Store\n"
                "print([g.name for g in Store.open(Path(sys.argv[1])).galleries()], 'alembic' in sys.modules)", path)
    out, err = child.communicate(timeout=60)
    assert out.strip() == "['Holidays'] False", err


def test_pragmas_hold_on_every_connection(tmp_path: Path) -> None:
    database = open_database(tmp_path / "store.sqlite")
    for transaction in (database.reading(), database.writing()):
        with transaction as connection:
            got = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                   for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")]
        assert got == ["wal", 1, 1, 30_000, 1]


@pytest.mark.parametrize("name", ["a?b=c&d#%41.db", "übung ☃.sqlite", os.fsdecode(b"caf\xe9.sqlite"), "100%.sqlite"])
def test_a_path_may_hold_any_character(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / name
    Store.open(path).create_gallery("Holidays")
    assert path.is_file()
    assert [one.name for one in Store.open(path).galleries()] == ["Holidays"]


def test_files_that_are_no_store_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("Dear diary, " * 1000)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE gallery (mine TEXT)")
    for path in (text, other):
        before = path.read_bytes()
        assert kind_of(path) == "not_a_store"
        assert path.read_bytes() == before


def test_a_store_that_lost_its_end_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    path.write_bytes(path.read_bytes()[:40_000])
    before = path.read_bytes()
    assert kind_of(path) == "not_a_store"
    assert path.read_bytes() == before


def test_damage_found_later_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store.open(path)
    store.create_gallery("Holidays")
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:20_000] + b"\xff" * (len(whole) - 20_000))
    with pytest.raises(StoreError) as raised:
        Store.open(path).galleries()
    assert raised.value.kind == "not_a_store"


def test_a_store_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert kind_of(path) == "newer"
    assert sqlite3.connect(path).execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.touch()
    assert Store.open(path).galleries() == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert kind_of(tmp_path / "file" / "store.sqlite") == "read_only"
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    monkeypatch.setattr(database_module.os, "access", lambda place, mode: Path(place) != path)  # root may do anything
    path.write_bytes(b"")
    assert kind_of(path) == "read_only"


def test_a_writer_that_takes_too_long_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    store = Store.open(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.galleries() == []  # readers do not wait
        with pytest.raises(StoreError) as raised:
            store.create_gallery("Holidays")
        other.execute("ROLLBACK")
    assert raised.value.kind == "busy"
    assert store.create_gallery("Holidays").name == "Holidays"


def test_a_full_disk_stores_a_batch_wholly_or_not_at_all(store: Store) -> None:
    @event.listens_for(store.database._engine, "begin")
    def no_more_pages(connection: object) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=40")  # type: ignore[attr-defined]

    terms = "x" * 300_000
    added = 0
    with pytest.raises(StoreError) as raised:
        while True:
            store.add_query("Holidays", "a query", "text", terms=terms)
            added += 1
    assert raised.value.kind == "disk_full"
    assert len(store.queries()) == added
    store.clear_queries()
    store.add_query("Holidays", "there is room again", "text")


def test_the_reserve_gives_its_room_on_a_full_disk_and_is_made_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path / "store.sqlite")
    path = tmp_path / "store.sqlite-reserve"
    assert path.stat().st_size == reserve.BYTES
    gallery = open_gallery(store, "Holidays", create=True)
    free = [0]
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free[0]))
    gallery.delete()
    assert not path.exists() and store.galleries() == []
    free[0] = reserve.PLENTY + 1
    open_gallery(store, "Holidays", create=True).delete()
    assert path.exists()


def test_damaged_text_of_a_row_shows_as_such_and_the_others_are_read(store: Store) -> None:
    store.add_query("Holidays", "a red house", "text")
    damaged = store.add_query("Holidays", "a dog", "text")
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE query SET text = CAST(x'61ff62' AS TEXT) WHERE id = ?", (damaged.id,))
    assert [query.text for query in store.queries()] == ["a\ufffdb", "a red house"]


def test_a_damaged_date_is_unknown_and_hides_nothing(store: Store) -> None:
    store.create_gallery("Holidays")
    store.add_query("Holidays", "a dog", "text")
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE gallery SET created = 'garbage'")
        connection.exec_driver_sql("UPDATE query SET created = 7")
    assert [one.created.year for one in (*store.galleries(), *store.queries())] == [1970, 1970]
    open_gallery(store, store.galleries()[0]).delete()
    assert store.galleries() == []


LIMITED = """
import resource, signal, sys
from pathlib import Path
from core.errors import StoreError
from core.store.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(Path(sys.argv[1]))
store.create_gallery("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
try:
    for number in range(100):
        store.add_query("before", str(number), "text", terms="x" * 100_000)
        print(number, flush=True)
except StoreError as error:
    print(error.kind)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
def test_a_disk_that_takes_no_more_leaves_the_store_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    child = run(LIMITED, path)
    out, err = child.communicate(timeout=60)
    *added, kind = out.split()
    assert kind == "disk_full", err
    store = Store.open(path)
    assert [one.text for one in store.queries()] == added[::-1]
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.add_query("before", "there is room again", "text")


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_all_get_it(tmp_path: Path) -> None:
    script = ("import sys; from pathlib import Path; from core.store.store import Store\n"
              "Store.open(Path(sys.argv[1])).create_gallery(sys.argv[2])")
    children = [run(script, tmp_path / "store.sqlite", name) for name in "abcd"]
    for child in children:
        _, err = child.communicate(timeout=120)
        assert child.returncode == 0, err
    assert [one.name for one in Store.open(tmp_path / "store.sqlite").galleries()] == list("abcd")


def test_a_copy_of_an_open_stores_file_is_not_needed_to_read_it(store: Store, tmp_path: Path) -> None:
    store.create_gallery("Holidays")
    path = store.database.path
    store.close()  # the last one to close moves everything from the WAL into the file
    shutil.copy(path, tmp_path / "copy.sqlite")
    assert [one.name for one in Store.open(tmp_path / "copy.sqlite").galleries()] == ["Holidays"]


READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def refusing(monkeypatch: pytest.MonkeyPatch, code: int, *queries: str) -> None:
    """Have connections that are opened with these queries refuse, as SQLite does where files cannot be made."""
    real = database_module._connect

    def connect(path: Path, query: str = "") -> sqlite3.Connection:
        if query in queries:
            error = sqlite3.OperationalError("injected")
            error.sqlite_errorcode = code
            raise error
        return real(path, query)

    monkeypatch.setattr(database_module, "_connect", connect)


@pytest.mark.parametrize("name", ["store.sqlite", "a?b=c&d#%41.db", "\N{SNOWMAN} 100%.sqlite",
                                  os.fsdecode(b"caf\xe9.sqlite")])
@pytest.mark.parametrize("queries", [("",), ("", "mode=ro")])
@pytest.mark.parametrize("code", READ_ONLY)
def test_a_store_that_cannot_be_written_to_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int,
                                                   queries: tuple[str, ...], name: str) -> None:
    store = Store.open(tmp_path / name)
    store.create_gallery("Holidays")
    store.close()
    refusing(monkeypatch, code, *queries)
    store = Store.open(tmp_path / name)
    assert [one.name for one in store.galleries()] == ["Holidays"]
    with pytest.raises(StoreError) as raised:
        store.create_gallery("Another")
    assert (raised.value.kind in database_module.NOT_WRITABLE and "Give yourself" in str(raised.value)) or (
        "make room" in str(raised.value))
    assert [one.name for one in store.galleries()] == ["Holidays"]
    store.close()


def test_a_store_in_a_folder_without_rights_to_write_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    Store.open(path).create_gallery("Holidays")
    monkeypatch.setattr(database_module.os, "access", lambda place, mode: False)
    store = Store.open(path)
    assert [one.name for one in store.galleries()] == ["Holidays"]
    with pytest.raises(StoreError) as raised:
        store.create_gallery("Another")
    assert raised.value.kind == "read_only"


def test_what_a_crash_left_beside_a_store_is_not_read_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    store = Store.open(path)
    store.create_gallery("Holidays")
    assert path.with_name("store.sqlite-wal").stat().st_size
    refusing(monkeypatch, sqlite3.SQLITE_CANTOPEN, "", "mode=ro")
    assert kind_of(path) == "read_only"
    store.close()
    Path(f"{path}-wal").write_bytes(b"x")
    assert kind_of(path) == "read_only"


def test_a_store_to_migrate_needs_to_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    refusing(monkeypatch, sqlite3.SQLITE_READONLY, "")
    assert kind_of(path) == "read_only"
