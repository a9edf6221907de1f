"""Write docs/api.md from the docstrings of `core.api` with griffe, without importing it.

    python packaging/api_page.py         write the page
    python packaging/api_page.py --print  print it
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"
MODULE = "core.api"
FACADE = "Explorer"  # its methods are part of the page


def page() -> str:
    """The whole page."""
    root = griffe.load("core", search_paths=[str(ROOT)], docstring_parser="google", resolve_aliases=True)
    module = root[MODULE.removeprefix("core.")]
    lines = ["# Python interface", "", "<!-- written by packaging/api_page.py from the docstrings: `make docs` -->", ""]
    lines += [module.docstring.value, ""]
    for name in sorted((text.strip("'\"") for text in module.exports or ()), key=str.lower):
        member = module[name]
        target = member.final_target if member.is_alias else member
        lines += _entry(target, 2)
        if name == FACADE:
            for method in target.members.values():
                if method.is_function and not method.name.startswith("_") and method.docstring:
                    lines += _entry(method, 3)
    return "\n".join(lines).rstrip() + "\n"


def _entry(member: griffe.Object, level: int) -> Iterator[str]:
    """Heading, signature and docstring of a class or function."""
    yield from (f"{'#' * level} {member.name}", "")
    if isinstance(member, griffe.Function):
        yield from ("```python", member.signature(), "```", "")
    for section in member.docstring.parsed if member.docstring else ():
        yield from _section(section)


def _section(section: griffe.DocstringSection) -> Iterator[str]:
    match section.kind:
        case griffe.DocstringSectionKind.text:
            yield from (section.value, "")
        case griffe.DocstringSectionKind.parameters:
            yield from ("| argument | meaning |", "|---|---|")
            yield from (f"| `{entry.name}` | {_cell(entry.description)} |" for entry in section.value)
            yield ""
        case griffe.DocstringSectionKind.raises:
            yield from ("| error | reason |", "|---|---|")
            yield from (f"| `{entry.annotation}` | {_cell(entry.description)} |" for entry in section.value)
            yield ""
        case griffe.DocstringSectionKind.returns:
            text = " ".join(f"{entry.annotation or ''} {entry.description}" if str(entry.annotation) not in
                            entry.description else entry.description for entry in section.value)
            yield from (f"**Returns** {_cell(text)}", "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8")
