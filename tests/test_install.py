"""The choice of PyTorch's build, with commands in place of uv, Python and nvidia-smi that only note their arguments."""

import os
import subprocess

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture
def install(tmp_path):
    """Runs packaging/install; returns what it printed and the commands of uv and Python."""
    log = tmp_path / "log"

    def command(path, body):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> {log}\n{body}\n')
        path.chmod(0o755)

    def run(choice="", gpu=False, cpu_build=True, torch=False, uv_works=True):
        commands = tmp_path / "bin"
        missing = '*--torch-backend*) exit 2 ;;' if not cpu_build else ""
        broken = "*) exit 2 ;;" if not uv_works else ""
        command(commands / "uv", f'case "$*" in {missing} {broken} esac')
        command(commands / "nvidia-smi", f"exit {int(not gpu)}")
        command(tmp_path / ".venv" / "bin" / "python", f'case "$*" in *find_spec*torch*) exit {int(not torch)} ;; esac')
        environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "BREWCLIP_TORCH": choice}
        environment.pop("CI", None)
        ended = subprocess.run(["sh", str(REPOSITORY / "packaging" / "install"), "[dev]"], cwd=tmp_path,
                               env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout, log.read_text().splitlines()

    return run


def test_without_a_gpu_the_cpu_build_is_installed_and_no_triton(install):
    printed, commands = install("cpu")
    assert "the CPU build of PyTorch: about 0.5 GB to download, 1.7 GB on disk" in printed
    assert commands[-1] == ("uv pip install --python .venv/bin/python --compile-bytecode --torch-backend cpu "
                            "--overrides packaging/without-gpu.txt -c constraints.txt -e .[dev]")


def test_where_the_cpu_build_cannot_be_had_that_is_said_and_the_default_taken(install):
    printed, commands = install("cpu", cpu_build=False)
    assert "cannot be reached from here: the default build is taken" in printed and "5.4 GB" in printed
    assert "--torch-backend" not in commands[-1] and "without-gpu" in commands[-1]


def test_with_a_gpu_the_default_build_is_installed(install):
    printed, commands = install(gpu=True)
    assert "the default build of PyTorch: about 3.2 GB to download" in printed
    assert commands[-1] == "uv pip install --python .venv/bin/python --compile-bytecode -c constraints.txt -e .[dev]"


def test_a_build_that_is_there_is_not_exchanged(install):
    printed, commands = install("cpu", torch=True)
    assert "its build stays" in printed and "--torch-backend" not in "".join(commands)


def test_pip_installs_where_uv_cannot(install):
    printed, commands = install(gpu=True, uv_works=False)
    assert "trying pip" in printed
    assert commands[-1] == "python -m pip install -c constraints.txt -e .[dev]"
