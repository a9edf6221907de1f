"""Catalogues of translations: extract the template, update every language, compile. Run by `make translations`.

The template and the catalogues are in `resources/locale`; see docs/translating.md.
"""

import argparse
import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "resources" / "locale"
DOMAIN = "brewclip"
TEMPLATE = LOCALE / f"{DOMAIN}.pot"
PLURALS = {"de": "nplurals=2; plural=(n != 1);", "fr": "nplurals=2; plural=(n > 1);",
           "es": "nplurals=2; plural=(n != 1);"}  # without CLDR's form for whole millions
PACKAGES = ("brewclip_app", "core")
KEYWORDS = {"_": None, "ngettext": (1, 2)}
COMMENT = "Translators:"


def extract() -> Catalog:
    """All marked texts of the program, with the files that they are in."""
    catalogue = Catalog(project="BrewCLIP Explorer", domain=DOMAIN, charset="utf-8", version="1",
                        header_comment="# BrewCLIP Explorer", msgid_bugs_address="translations")
    for package in PACKAGES:
        found = extract_from_dir(ROOT / package, [("**.py", "python")], keywords=KEYWORDS, comment_tags=(COMMENT,),
                                 strip_comment_tags=True)
        for path, _line, message, comments, _context in sorted(found, key=lambda entry: (entry[0], entry[1])):
            entry = catalogue.add(message, locations=[(f"{package}/{path}", 0)], auto_comments=comments)
            entry.flags -= {"python-format"}  # placeholders are in braces; a % is a percent sign
            if "{" in str(message):
                entry.flags |= {"python-brace-format"}
    return catalogue


def text_of(catalogue: Catalog) -> bytes:
    """A catalogue as the text of a .po file."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=110, omit_header=False, sort_by_file=True, include_lineno=False)
    lines = stream.getvalue().decode().splitlines()
    return "\n".join(line for line in lines if not line.startswith('"POT-Creation-Date')).encode() + b"\n"


def read(language: str) -> Catalog:
    """The catalogue of a language; an empty one where there is none."""
    path = po_path(language)
    header = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Plural-Forms: {PLURALS[language]}\\n"\n'
    text = path.read_bytes() if path.is_file() else header.encode()
    catalogue = read_po(io.BytesIO(text), locale=language, domain=DOMAIN)
    catalogue.project = "BrewCLIP Explorer"
    return catalogue


def po_path(language: str) -> Path:
    """File of a language's catalogue."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def update() -> None:
    """Write the template, and bring every language up to it: what is new has no translation, what is gone leaves."""
    template = extract()
    LOCALE.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(text_of(template))
    for language in PLURALS:
        catalogue = read(language)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        for message in catalogue:
            message.flags -= {"python-format"}
        po_path(language).parent.mkdir(parents=True, exist_ok=True)
        po_path(language).write_bytes(text_of(catalogue))


def compile_all() -> None:
    """Write the .mo file of every language."""
    for language in PLURALS:
        stream = io.BytesIO()
        write_mo(stream, read(language))
        po_path(language).with_suffix(".mo").write_bytes(stream.getvalue())


def main() -> int:
    """Extract, update and compile; `--compile` only compiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="only write the .mo files")
    if not parser.parse_args().compile:
        update()
    compile_all()
    for language in PLURALS:
        catalogue = read(language)
        missing = sum(not all(message.string if message.pluralizable else (message.string,))
                      for message in catalogue if message.id)
        print(f"{language}: {len(catalogue)} texts, {missing} without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
