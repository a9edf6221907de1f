"""Completion scripts, run by the shells themselves; examples of help, read by the real parser; pipes that close."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core import cli
from core.cli.commands import COMMANDS
from core.cli.completion import SHELLS, script
from core.cli.examples import EXAMPLES
from core.cli.parts import Command

REPOSITORY = Path(__file__).resolve().parents[2]


def installed(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        (folder / shell).write_text(script(cli.build_parser(COMMANDS), shell))
    return {shell: folder / shell for shell in SHELLS}


def run(command: Sequence[str], folder: Path) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60,
                          env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split("\n")


def by_bash(scripts: dict[str, Path], folder: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    line = (f"source {shlex.quote(str(scripts['bash']))}; COMP_WORDS=({shlex.join(words)}); "
            f"COMP_CWORD={len(words) - 1}; $(complete -p brewclip | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
            "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return {word.strip() for word in run([installed("bash"), "--norc", "-c", line], folder) if word.strip()}


def by_fish(scripts: dict[str, Path], folder: Path, line: str) -> set[str]:
    """What fish offers for the end of a line."""
    command = f"source {shlex.quote(str(scripts['fish']))}; complete -C {shlex.quote(line)}"
    return {word.split("\t")[0] for word in run([installed("fish"), "--no-config", "-c", command], folder) if word}


def test_bash_completes_commands_options_and_choices(scripts, tmp_path):
    assert by_bash(scripts, tmp_path, "brewclip", "") >= {command.name for command in COMMANDS}
    assert by_bash(scripts, tmp_path, "brewclip", "gal") == {"gallery"}
    assert by_bash(scripts, tmp_path, "brewclip", "gallery", "re") == {"rename", "remove", "restore"}
    assert by_bash(scripts, tmp_path, "brewclip", "search", "--min-s") == {"--min-strength"}
    assert by_bash(scripts, tmp_path, "brewclip", "search", "--min-strength", "f") == {"fair"}
    assert by_bash(scripts, tmp_path, "brewclip", "completion", "") == set(SHELLS)


def test_bash_completes_files_and_folders_where_a_path_belongs(scripts, tmp_path):
    (tmp_path / "flickr8k").mkdir()
    (tmp_path / "flute.wav").touch()
    assert by_bash(scripts, tmp_path, "brewclip", "transcribe", "fl") == {"flickr8k", "flute.wav"}
    assert by_bash(scripts, tmp_path, "brewclip", "dataset", "fl") == {"flickr8k"}


def test_fish_completes_commands_options_and_choices(scripts, tmp_path):
    assert by_fish(scripts, tmp_path, "brewclip ") >= {command.name for command in COMMANDS}
    assert by_fish(scripts, tmp_path, "brewclip gallery re") == {"rename", "remove", "restore"}
    assert by_fish(scripts, tmp_path, "brewclip search --min-s") == {"--min-strength"}
    assert "fair" in by_fish(scripts, tmp_path, "brewclip search --min-strength f")


def typed_in_zsh(folder: Path, *keys: str, until: str) -> str:
    """What an interactive zsh with the script in its path shows for these keys, until `until` is in it."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(installed("zsh"), ["zsh", "-f", "-i"], {"PATH": os.environ["PATH"], "TERM": "dumb",
                                                          "HOME": str(folder), "COLUMNS": "100"})
    shown = ""
    try:
        os.write(terminal, "".join(keys).encode())
        while until not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return shown


@pytest.mark.timeout(60)
def test_zsh_completes_commands_and_options(scripts, tmp_path):
    installed("zsh")
    shutil.copy(scripts["zsh"], tmp_path / "_brewclip")
    ready = "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; print LOADED $_comps[brewclip]\n"
    assert "LOADED _brewclip" in typed_in_zsh(tmp_path, ready, until="LOADED _brewclip")
    assert "--min-strength" in typed_in_zsh(tmp_path, ready, "brewclip search --min-s\t", until="--min-strength")
    assert "removed pictures" in typed_in_zsh(tmp_path, ready, "brewclip gallery re\t\t", until="removed pictures")


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell):
    done = subprocess.run([sys.executable, "-m", "core.cli", "completion", shell], capture_output=True, text=True,
                          cwd=REPOSITORY)
    assert done.returncode == 0 and not done.stderr
    assert done.stdout == f"{script(cli.build_parser(COMMANDS), shell)}\n"


def test_an_unknown_shell_is_a_sentence(capsys):
    with pytest.raises(SystemExit):
        cli.main(["completion", "tcsh"])
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err


def leaves(commands: Sequence[Command] = COMMANDS, before: str = "") -> Iterator[str]:
    """Names of all commands that run, "gallery list"."""
    for command in commands:
        name = f"{before}{command.name}"
        yield from leaves(command.commands, f"{name} ") if command.commands else (name,)


def test_every_command_has_examples():
    assert set(EXAMPLES) == set(leaves())


def commands_in(line: str) -> Iterator[list[str]]:
    """The arguments of each brewclip in a shell's line, with one more where xargs adds some."""
    for part in line.split(" | "):
        words = shlex.split(part.split(" > ")[0])
        if "brewclip" in words:
            yield [*words[words.index("brewclip") + 1:], *["boat.jpg"] * (words[0] == "xargs")]


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EXAMPLES.items() for line in lines])
def test_every_example_is_read_by_the_real_parser(name, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("query.wav", "boat.jpg"):
        (tmp_path / file).touch()
    parsed = [(arguments, cli.build_parser(COMMANDS).parse_args(arguments)) for arguments in commands_in(line)]
    assert any(" ".join(arguments).startswith(name) and callable(namespace.run) for arguments, namespace in parsed)


def test_help_ends_with_the_examples(capsys):
    for name in ("search", "gallery rate"):
        with pytest.raises(SystemExit):
            cli.main([*name.split(), "--help"])
        printed = capsys.readouterr().out
        assert printed.endswith("\nexamples:\n" + "".join(f"  {line}\n" for line in EXAMPLES[name]))
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "examples:" not in capsys.readouterr().out


LISTS = ("settings list", "weights list", "gallery list", "history list", "caches list", "duplicates", "check",
         "doctor", "completion bash", "--help", "search --help")


@pytest.mark.slow
@pytest.mark.parametrize("command", LISTS)
def test_a_reader_that_leaves_is_no_surprise(command, tmp_path):
    """`brewclip … | head -1`, and a reader that reads nothing at all."""
    line = f"{shlex.quote(sys.executable)} -m core.cli {command}"
    for reader in ("head -1", "true"):
        done = subprocess.run(["bash", "-c", f"{line} | {reader}; echo ${{PIPESTATUS[0]}}"], cwd=REPOSITORY,
                              capture_output=True, text=True, env={**os.environ, "BREWCLIP_HOME": str(tmp_path)})
        assert done.stdout.split()[-1] in ("0", "141", "1" if command == "doctor" else "0"), done
        assert "Traceback" not in done.stderr and "Broken pipe" not in done.stderr, done.stderr
