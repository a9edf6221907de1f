"""Scripts of typed queries that a vision model does not read.

Speech in another language is translated (`speech.translate`); typed text is not, for there is no translator of text
here. A text that is not in Latin letters is recognised by its letters, at no cost for ASCII. Languages in Latin letters
are not told apart: that would take a detector of languages, which is unsure of texts as short as queries.
"""

import unicodedata

from core.models import backbones
from core.pretrained import architectures

NAMES = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}  # Unicode's word: ours


def script_of(text: str) -> str:
    """The first script other than Latin and Greek symbols in a text: "Cyrillic", "Chinese"; "" where all is Latin."""
    if text.isascii():
        return ""
    for letter in text:
        if letter.isascii() or not letter.isalpha():
            continue
        word = unicodedata.name(letter, "").partition(" ")[0]
        if word not in ("", "LATIN", "MODIFIER", "FULLWIDTH", "FEMININE", "MASCULINE", "MICRO", "MATHEMATICAL"):
            return NAMES.get(word, word.capitalize())
    return ""


def unread(text: str, backbone: str) -> str:
    """A sentence where a backbone that was trained on English texts gets a text in another script, else ""."""
    script = script_of(text)
    if not script or not architectures.reads_english_alone(backbone):
        return ""
    return (f"The text is in {script} letters, but {backbones.title(backbone)} was trained on English texts: the "
            "results are likely to be wrong. Type English, speak the query (speech is translated), or choose a "
            "multilingual vision model (`brewclip weights list`).")
