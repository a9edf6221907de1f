"""Figures in words: numbers without exponents, shares that add up to 100 %."""

import math
from collections.abc import Sequence
from decimal import Decimal


def plain(value: float, digits: int = 6) -> str:
    """A number in at most so many digits, never with an exponent: "0.000081"; from 10 000 on in groups: "10 000 000".

    `float` reads it again once the spaces are taken out.
    """
    if not math.isfinite(value):
        return str(value)
    text = f"{Decimal(f'{value:.{digits}g}'):f}"
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}".replace(",", " ") + dot + rest if abs(value) >= 10_000 else text


def percents(shares: Sequence[float]) -> list[int]:
    """Whole percents of shares that are 1 together, by the largest remainder: they add up to 100. Others are rounded.
    """
    wanted = [100 * share for share in shares]
    if not math.isclose(sum(wanted), 100, abs_tol=0.1):
        return [round(each) for each in wanted]
    whole = [math.floor(each) for each in wanted]
    by_remainder = sorted(range(len(wanted)), key=lambda place: whole[place] - wanted[place])
    for place in by_remainder[:100 - sum(whole)]:
        whole[place] += 1
    return whole
