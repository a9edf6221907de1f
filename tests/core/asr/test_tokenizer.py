import pytest
import whisper.tokenizer

from core.asr.tokenizer import package_file, tokenizer_for
from core.errors import ModelError


@pytest.mark.slow
def test_the_tokenizer_is_openai_whispers() -> None:
    for language, task in (("en", "transcribe"), ("de", "translate")):
        expected = whisper.tokenizer.get_tokenizer(True, num_languages=99, language=language, task=task)
        ours = tokenizer_for(99, language, task)
        assert ours.sot_sequence_including_notimestamps == expected.sot_sequence_including_notimestamps
        assert ours.non_speech_tokens == expected.non_speech_tokens
        assert ours.all_language_codes == expected.all_language_codes
        assert ours.encode("Zwei Hunde, 犬!") == expected.encode("Zwei Hunde, 犬!")


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.asr.tokenizer.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="openai-whisper"):
        package_file("tokenizer.py")


def test_text_is_encoded_as_by_openai_whisper_and_special_names_are_text() -> None:
    ours, theirs = tokenizer_for(99, "en"), whisper.tokenizer.get_tokenizer(True, num_languages=99, language="en")
    for text in (" Two dogs, wearing sweaters; play \u266a in a field.", "\u732b\u304c\u597d\u304d", "", " -- [noise]"):
        assert ours.encode(text) == theirs.encode(text) and ours.decode(ours.encode(text)) == text
    assert ours.non_speech_tokens == theirs.non_speech_tokens
    assert ours.eot not in ours.encode("<|endoftext|>") and ours.decode(ours.encode("<|endoftext|>")) == "<|endoftext|>"
