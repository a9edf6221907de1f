"""The table of open_clip's architectures is that of the installed open_clip."""

import json

import open_clip
import pytest

from tests.core.models import architecture_table
from tests.core.models.architecture_table import BEGIN, END, PAGE, TABLE


def test_every_architecture_has_a_row_and_the_page_has_the_table() -> None:
    known = json.loads(TABLE.read_text())
    if known["open_clip"] == open_clip.__version__:
        assert [row["name"] for row in known["architectures"]] == open_clip.list_models()
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown == architecture_table.page(known["architectures"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-32", "RN50", "ViT-B-16-SigLIP2", "xlm-roberta-base-ViT-B-32",
                                  "PE-Core-T-16-384", "nllb-clip-base", "coca_ViT-B-32", "ViT-L-14-CLIPA",
                                  "MobileCLIP2-S0"])
def test_a_row_is_what_is_built(name: str) -> None:
    rows = {row["name"]: row for row in json.loads(TABLE.read_text())["architectures"]}
    assert architecture_table.row(name) == rows[name]


def test_a_model_that_cannot_be_built_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such tower\nmore")

    monkeypatch.setattr(architecture_table, "built_on_meta", broken)
    row = architecture_table.row("ViT-B-32")
    assert row == {"name": "ViT-B-32", "error": "RuntimeError: no such tower"}
    assert "no: RuntimeError: no such tower" in architecture_table.page([row])
