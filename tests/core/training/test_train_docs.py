"""docs/train.md says what is so: every option, every file of a run, every event of its log."""

import re
from pathlib import Path

from core.figures import plain
from core.models.variants import SOURCES
from core.paper_differences import table
from core.training import options as option_table
from core.training import run_folder
from core.training.options import OPTIONS, Option

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "train.md").read_text(encoding="utf-8")


def described(option: Option) -> str:
    """An option's row in docs/train.md."""
    values = ", ".join(f"`{each}`" for each in option.choices) or {
        bool: "on, off", str: "text"}.get(type(option.default)) or (
            f"{plain(option.low, 10)} to {plain(option.high, 10)}")
    default = option_table.in_words(option.default)
    return f"| `{option.flag}` | {option.about} | {values} | {default} | {SOURCES[option.source]} |"


def test_every_option_is_documented_as_it_is() -> None:
    missing = [described(option) for option in OPTIONS if described(option) not in PAGE]
    assert not missing, "docs/train.md lacks:\n" + "\n".join(missing)
    assert len(re.findall(r"^\| `--", PAGE, re.MULTILINE)) == len(OPTIONS)


def test_the_differences_from_the_paper_are_documented_as_declared() -> None:
    assert table() in (DOCS / "paper.md").read_text(encoding="utf-8")


def test_files_and_events_of_a_run_are_documented() -> None:
    for name in (run_folder.RECIPE, run_folder.LOG, run_folder.STATE, run_folder.BEST, run_folder.LOCK,
                 run_folder.PROCESS, run_folder.OUTPUT):
        assert f"`{name}" in PAGE, name
    for event in run_folder.EVENTS:
        assert f"`{event}`" in PAGE, event
