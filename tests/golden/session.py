"""A fixed session of commands on a home of an earlier version, and what it prints and leaves behind.

`old_home.tar.xz` was made by `make_old_home.py` at commit 4cb259c. The session unpacks it, gives it the paths of this
machine, runs `COMMANDS` in it and reads the outcome as plain JSON: what the commands print, the rows of the store, the
keys of the caches, and the files of a run. Times and random words are left out; paths begin with `<root>`.
"""

import io
import json
import os
import re
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from core import cli

ARCHIVE = Path(__file__).with_name("old_home.tar.xz")
MADE_AT = "/tmp/golden/out"  # where the archive's paths point before they are moved
VARYING = re.compile(r"(^|_)(ms|seconds|created|changed|when|time|mtime|mtime_ns|duration|date|pairs_per_second|memory|"
                     r"revision)$")  # times and random words
DAYS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d[:-]\d\d(\.\d+)?(\+00:00)?")
PATH_KEYED = {"recordings", "pictures"}  # caches whose keys hash a path and its time of change

PAIRS, ACTED, RUN = "<root>/data/pairs", "<root>/data/acted", "<root>/home/runs/prompted"
CAT = f"{PAIRS}/audio/cat.flac"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "settings": ("settings", "list", "--json"),
    "galleries": ("gallery", "list", "--json"),
    "dataset": ("dataset", PAIRS, "--json"),
    "index": ("index", f"{PAIRS}/images", "--gallery", "drawn", "--json"),
    "search text": ("search", "--gallery", "drawn", "--text", "a lighthouse by the sea", "--json"),
    "search speech": ("search", "--gallery", "drawn", "--speech", CAT, "--json"),
    "search terms": ("search", "--gallery", "drawn", "--image", f"{PAIRS}/images/house.png", "--minus-text", "a house",
                     "--weight", "0.5", "--top", "3", "--json"),
    "search tag": ("search", "--gallery", "drawn", "--text", "a house", "--tag", "favourite", "--json"),
    "transcribe": ("transcribe", CAT, f"{PAIRS}/audio/gato.flac", "--json"),
    "explain": ("explain", "--speech", CAT, "--image", f"{PAIRS}/images/house.png", "--json"),
    "import": ("import", PAIRS, "--gallery", "again", "--json"),
    "export": ("export", "captions", "<root>/exported", "--json"),
    "evaluate": ("evaluate", PAIRS, "--split", "train", "--variant", "zero-shot", "--checkpoint", RUN, "--json"),
    "evaluations": ("evaluate", "--stored", "--json"),
    "table 2": ("evaluate", "--table", "2", "--format", "csv"),
    "diagnose": ("diagnose", "--evaluation", "3", "--at", "1", "--json"),
    "train": ("train", PAIRS, "--variant", "full", "--steps", "2", "--batch", "2", "--evaluate-every", "1", "--out",
              "<root>/home/runs/full", "--prompts", "1", "--heads", "2", "--feed-forward", "8", "--json"),
    "emotion": ("emotion", ACTED, "--protocol", "speakers", "--feature", "layer-3", "--seeds", "1", "--json"),
    "gallery copy": ("gallery", "copy", "drawn", "copied"),
}


def unpack(root: Path) -> Path:
    """Unpack the archive below `root` and move its paths there. Returns the home."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    before, after = os.fsencode(MADE_AT), os.fsencode(root)
    home = root / "home"
    for path in home.rglob("*.json"):
        path.write_bytes(path.read_bytes().replace(before, after))
    _move_rows(home / "store.sqlite", before, after)
    return home


def _move_rows(store: Path, before: bytes, after: bytes) -> None:
    with sqlite3.connect(store) as connection:
        for table, columns in _tables(connection):
            for number, *row in connection.execute(f'SELECT rowid, * FROM "{table}"').fetchall():
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, str) and before.decode() in value:
                        moved: str | bytes = value.replace(before.decode(), after.decode())
                    elif isinstance(value, bytes) and value.startswith(before):
                        moved = value.replace(before, after)
                    else:
                        continue
                    connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (moved, number))
    connection.close()


def _tables(connection: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return [(name, [column[1] for column in connection.execute(f'PRAGMA table_info("{name}")')])
            for name in names if name not in ("sqlite_sequence", "alembic_version")]


def run(root: Path) -> dict[str, Any]:
    """Run the session; `BREWCLIP_HOME` is `root`/home already. Returns the outcome by part."""
    printed = {name: _command(root, arguments) for name, arguments in COMMANDS.items()}
    home = root / "home"
    return json.loads(json.dumps({
        "printed": _tidy(printed, root),
        "rows": _tidy(_rows(home / "store.sqlite", root), root),
        "cache keys": _cache_keys(home / "caches"),
        "run": _tidy(_run_files(home / "runs" / "full"), root),
        "old run": _tidy(_run_files(home / "runs" / "prompted"), root),
        "exported": sorted(str(path.relative_to(root)) for path in (root / "exported").rglob("*") if path.is_file()),
        "home": sorted(path.name for path in home.iterdir() if path.name != "weights" and path.suffix != ".lock"),
    }))


def _command(root: Path, arguments: tuple[str, ...]) -> Any:
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = cli.main([argument.replace("<root>", str(root)) for argument in arguments])
    text = out.getvalue()
    if code:
        return {"exit": code, "stdout": text, "stderr": errors.getvalue()}
    try:
        return json.loads(text)
    except ValueError:
        lines = text.splitlines()
        parsed = [_json_line(line) for line in lines]
        return parsed if all(line is not None for line in parsed) else lines


def _json_line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _rows(store: Path, root: Path) -> dict[str, Any]:
    """Every row of every table: texts and whole numbers as they are, vectors and other blobs by their length."""
    connection = sqlite3.connect(store)
    rows = {table: {"columns": columns,
                    "rows": [[_cell(value, root) for value in row]
                             for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid')]}
            for table, columns in _tables(connection)}
    connection.close()
    for table in rows.values():
        table["rows"] = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return rows


def _cell(value: Any, root: Path) -> Any:
    if isinstance(value, bytes):
        start = os.fsencode(root)
        if value.startswith(start) or re.fullmatch(rb"[ -~]{1,300}", value):
            return value.decode()
        return value.hex() if len(value) == 32 else f"{len(value)} bytes" if len(value) % 512 == 0 else "bytes"
    parsed = _json_line(value) if isinstance(value, str) and value[:1] in ("[", "{") else None
    return value if parsed is None else parsed


def _cache_keys(caches: Path) -> dict[str, Any]:
    """Keys of each cache; of caches keyed by paths, how many."""
    found: dict[str, Any] = {}
    for folder in sorted({path.parent for path in caches.rglob("*.jsonl")}):
        keys = {json.loads(line)["key"] for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()}
        name = str(folder.relative_to(caches))
        found[name] = len(keys) if name in PATH_KEYED else sorted(keys)
    found["other files"] = sorted(str(path.relative_to(caches)) for path in caches.rglob("*")
                                  if path.is_file() and path.suffix not in (".jsonl", ".bin", ".lock")
                                  and path.parent.name not in ("thumbnails", "vectors"))
    return found


def _run_files(folder: Path) -> dict[str, Any]:
    """The JSON files of a run, the kinds of its log's lines with their keys, and its tensors with their shapes."""
    from safetensors import safe_open

    tensors = {}
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, "np") as file:
            tensors[str(path.relative_to(folder))] = {
                "tensors": {key: list(file.get_slice(key).get_shape()) for key in file.keys()},  # noqa: SIM118
                "metadata": sorted(file.metadata() or {})}
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    events: dict[str, list[str]] = {}
    for event in log:
        kind = event.get("event", event.get("kind", ""))
        events[kind] = sorted({*events.get(kind, []), *event})
    return {"recipe": json.loads((folder / "recipe.json").read_text()), "events": events, "tensors": tensors,
            "checkpoint": json.loads((folder / "best" / "run.json").read_text())}


def _tidy(value: Any, root: Path) -> Any:
    """The value without times, with `<root>` in place of this machine's paths."""
    if isinstance(value, dict):
        return {key: "varies" if VARYING.search(key) and inner is not None else _tidy(inner, root)
                for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(inner, root) for inner in value]
    if isinstance(value, str):
        return DAYS.sub("a time", value.replace(str(root), "<root>"))
    return value


PROCESSOR = re.compile(r"/(avg_logprob|no_speech_probability|probability)$")  # int8 products differ between processors


def differences(expected: Any, found: Any, where: str = "", tolerance: float = 2e-3) -> Iterator[str]:
    """Each place where two outcomes differ; floats agree within `tolerance`, absolute or relative.

    Confidences of decoded words agree within 0.05: their last digits depend on the processor's instructions.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}):
            if key not in found or key not in expected:
                yield f"{where}/{key}: {'missing' if key not in found else 'new'}"
            else:
                yield from differences(expected[key], found[key], f"{where}/{key}", tolerance)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{where}: {len(expected)} entries expected, {len(found)} found"
        for place, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from differences(one, other, f"{where}/{place}", tolerance)
    elif isinstance(expected, float) and isinstance(found, int | float):
        allowed = 0.05 if PROCESSOR.search(where) else tolerance * max(1.0, abs(expected))
        if abs(expected - found) > allowed:
            yield f"{where}: {expected!r} expected, {found!r} found"
    elif expected != found or type(expected) is not type(found):
        yield f"{where}: {expected!r} expected, {found!r} found"
