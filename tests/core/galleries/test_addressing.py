"""Which texts can be a name."""

import pytest

from core.store.addresses import LONGEST_NAME, name_fault


@pytest.mark.parametrize(("name", "fault"), [
    ("Holiday", ""), ("日本語", ""), (" padded  inside ", ""), ("n" * LONGEST_NAME, ""), ("", "is needed"),
    ("n" * 131, "at most 100 characters; this one has 131"), ("a\x07b", "U+0007")])
def test_why_a_text_cannot_be_a_name(name, fault):
    assert (fault in name_fault(name)) if fault else name_fault(name) == ""
