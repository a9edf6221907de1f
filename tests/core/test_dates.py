"""Days, months, years and spans as they are typed."""

from datetime import datetime

import pytest

from core import dates
from core.dates import beginning, span

DAY = datetime


@pytest.mark.parametrize(("text", "since", "until"), [
    ("", None, None),
    ("  ", None, None),
    ("2024", DAY(2024, 1, 1), DAY(2025, 1, 1)),
    ("2024-2", DAY(2024, 2, 1), DAY(2024, 3, 1)),
    ("2024-12", DAY(2024, 12, 1), DAY(2025, 1, 1)),
    ("2024-02-29", DAY(2024, 2, 29), DAY(2024, 3, 1)),
    ("2023 to 2024-05", DAY(2023, 1, 1), DAY(2024, 6, 1)),
    ("2024-05..2024-05-02", DAY(2024, 5, 1), DAY(2024, 5, 3)),
    ("2023–2024", DAY(2023, 1, 1), DAY(2025, 1, 1)),
    ("since 2024-05-17", DAY(2024, 5, 17), None),
    ("From 2024", DAY(2024, 1, 1), None),
    ("before 2024", None, DAY(2024, 1, 1)),
    ("until 2024-03", None, DAY(2024, 4, 1)),
    ("2024 to ", DAY(2024, 1, 1), None),
    (".. 2024", None, DAY(2025, 1, 1)),
])
def test_what_a_text_spans(text, since, until):
    assert span(text) == (since, until)


@pytest.mark.parametrize("text", ["may", "24", "2024-13", "2023-02-29", "2024-05-", "2025 to 2024", "..", "to", "0000",
                                  "2024 2025", "2024 to 2025 to 2026", "since", "since may", "9999", "9999-12-31",
                                  "2024-00"])
def test_what_says_no_time_is_refused(text):
    with pytest.raises(ValueError):
        span(text)


def test_a_year_a_month_and_a_day_begin():
    assert [beginning(text) for text in ("2024", "2024-05", " 2024-05-17")] == [
        DAY(2024, 1, 1), DAY(2024, 5, 1), DAY(2024, 5, 17)]


@pytest.mark.parametrize("moment", [datetime(1, 1, 1), datetime(1960, 5, 5), datetime(2024, 5, 1, 1, 2, 3),
                                    datetime(9999, 1, 1)])
def test_any_moment_is_within_what_a_store_holds(moment):
    assert abs(dates.epoch_ns(moment)) < 2**63
    if 1900 < moment.year < 2200:
        assert dates.file_date(dates.epoch_ns(moment)) == moment


def test_what_is_accepted_is_so():
    for text in dates.ACCEPTED.split(", "):
        assert dates.span(text) != (None, None)
    with pytest.raises(ValueError, match="last summer"):
        dates.span("last summer")
