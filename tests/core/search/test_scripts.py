"""Scripts of typed queries that a vision model does not read."""

import subprocess
import sys

import pytest

from core.search import scripts


@pytest.mark.parametrize(("text", "script"), [
    ("a dog", ""), ("", ""), ("ein Hündchen, café", ""), ("3 × 4 µm ½ 🐕", ""), ("собака", "Cyrillic"),
    ("a собака", "Cyrillic"), ("一只狗", "Chinese"), ("いぬ", "Japanese"), ("イヌ", "Japanese"), ("개", "Korean"),
    ("كلب", "Arabic"), ("कुत्ता", "Devanagari"), ("σκύλος", "Greek")])
def test_the_script_is_told_by_the_letters(text: str, script: str) -> None:
    assert scripts.script_of(text) == script


@pytest.mark.parametrize(("backbone", "said"), [
    ("ViT-L-14/openai", True), ("brewclip-mini", True), ("ViT-B-16-SigLIP/webli", True),
    ("ViT-B-16-SigLIP2/webli", False), ("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", False)])
def test_a_model_of_english_texts_is_said_to_be_unreliable(backbone: str, said: bool) -> None:
    sentence = scripts.unread("собака", backbone)
    assert bool(sentence) is said and scripts.unread("a dog", backbone) == scripts.unread("Hündchen", backbone) == ""
    if said:
        assert "Cyrillic" in sentence and "speak the query" in sentence and "multilingual" in sentence


def test_nothing_heavy_is_imported_for_it() -> None:
    code = ("import sys; from core.search import scripts; scripts.unread('собака', 'ViT-L-14/openai'); "
            "print([name for name in ('torch', 'open_clip', 'transformers') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
