"""The documentation names all that there is."""

import re
from pathlib import Path

from brewclip_app.main_window import PANELS
from core.cli.commands import COMMANDS
from core.settings import SETTINGS, Setting

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def described(setting: Setting) -> str:
    """A setting's row in docs/settings.md."""
    values = ", ".join(f"`{value}`" for value, _ in setting.choices)
    if setting.kind == "number":
        values = f"{setting.low:g} to {setting.high:g} {setting.unit}".strip()
    kinds = {"flag": "`on`, `off`", "folder": "a folder", "backbone": "`auto` or a model's name",
             "patterns": "names, `*` for anything, separated by `;`", "text": "any text"}
    values = values or kinds[setting.kind]
    if setting.key == "speech.language":
        values = "`auto`, or a language by its code (`de`) or, on the command line, its English name (`German`)"
    if setting.kind == "model":
        values = f"{values} or the folder of a run"
    if setting.kind == "recogniser":
        values = f"{values}, a name of weights, or a file"
    words = {} if setting.kind == "number" else {True: "on", False: "off", "": "none"}
    default = words.get(setting.default, setting.default)
    return f"| `{setting.key}` | {setting.label} | {values} | {default} | {setting.help} |"


def test_every_command_is_in_the_readme():
    for command in COMMANDS:
        assert f"`brewclip {command.name} " in README or f"`brewclip {command.name}`" in README, command.name
        for below in command.commands:
            assert re.search(rf"brewclip {command.name} [^`]*\b{below.name}\b", README), (command.name, below.name)


def test_every_setting_is_documented_as_it_is():
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert described(setting) in documented, f"docs/settings.md lacks:\n{described(setting)}"


def test_every_panel_and_package_is_in_the_architecture():
    for entry in PANELS:
        assert entry.key in ARCHITECTURE, entry.key
    for folder in [*(ROOT / "core").iterdir(), *(ROOT / "brewclip_app").iterdir()]:
        if folder.is_dir() and (folder / "__init__.py").is_file():
            assert f"{folder.name}/" in ARCHITECTURE, folder


def test_every_picture_and_page_that_is_linked_is_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"
