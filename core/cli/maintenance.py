"""`brewclip check`, `backup` and `restore`."""

from dataclasses import asdict

from core.cli import options
from core.cli.options import given_path, option, output_file
from core.cli.output import as_json, number, size, table
from core.cli.parts import OK, WARNED, Arguments, Command, note, progress
from core.home import find_home


def _check(arguments: Arguments) -> int:
    from core.maintenance.check import check

    with progress() as report:
        findings = check(find_home(), report, arguments.repair)
    if arguments.json:
        print(as_json([asdict(finding) for finding in findings]))
    else:
        print(table([(finding.name, finding.state, finding.text) for finding in findings]))
    return WARNED if any(finding.state == "bad" for finding in findings) else OK


def _backup(arguments: Arguments) -> int:
    from core.maintenance.backup import back_up

    with progress() as report:
        backup = back_up(find_home(), arguments.file, report, arguments.runs)
    for path in backup.absent[:5]:
        note(f"{path} is not there and is not in the backup.")
    if arguments.json:
        print(as_json({"path": str(backup.path), "bytes": backup.nbytes, "recordings": backup.recordings,
                       "absent": [str(path) for path in backup.absent]}))
    else:
        absent = f", {len(backup.absent)} were not there" if backup.absent else ""
        print(f"{backup.path}: {size(backup.nbytes)}, {number(backup.recordings, 'recording')}{absent}; read again and "
              "found whole")
    return WARNED if backup.absent else OK


def _restore(arguments: Arguments) -> int:
    from core.maintenance.restore import restore

    home = find_home()
    with progress() as report:
        restored = restore(home, arguments.file, report, arguments.replace)
    if restored.before is not None:
        note(f"What was there before is in {restored.before}; delete it when it is no longer needed.")
    if arguments.json:
        print(as_json({"folder": str(home.root), "files": restored.files, "galleries": restored.galleries,
                       "before": None if restored.before is None else str(restored.before)}))
    else:
        print(f"{home.root}: {number(restored.files, 'file')} restored, "
              f"{number(restored.galleries, 'gallery', 'galleries')}")
    return OK


CHECK = Command("check", "check the store, its recordings and caches for damage", (
    option("--repair", action="store_true", help="delete vectors that cannot be used; indexing computes them again"),
    options.JSON), _check, details="Says what is wrong and what to do. Exit code 1 if something is damaged.")
BACKUP = Command("backup", "write a backup of the store and recordings", (
    option("file", type=output_file, metavar="FILE", help="file to write; it must not exist"),
    option("--runs", action="store_true", help="with training runs and probes, which may be large"), options.JSON),
    _backup, details="Works while the program is in use. Caches, weights and pictures are left out.")
RESTORE = Command("restore", "restore a backup", (
    option("file", type=given_path, metavar="FILE", help="file that `brewclip backup` wrote"),
    option("--replace", action="store_true", help="move a store that is there to a folder beside it"), options.JSON),
    _restore, details="Everything is checked before anything changes.")
