"""Places of equal cards in lines, under the headers of their sections. Costs a step for each section, not each card."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class CardLayout:
    """Places of cards in px from the top of all; cards are numbered through all sections.

    `counts` are the cards of each section, `header` the height above each, `cell` width and height of a card with its
    gap.
    """

    def __init__(self, counts: Sequence[int], columns: int, cell: tuple[int, int], header: int = 0) -> None:
        self.columns, (self.width, self.height), self.header = max(1, columns), cell, header
        self.starts = [0, *accumulate(counts)]
        self.tops = [0, *accumulate(header + -(-count // self.columns) * self.height for count in counts)]

    @property
    def cards(self) -> int:
        """Number of all cards."""
        return self.starts[-1]

    @property
    def bottom(self) -> int:
        """Lower end of the last card."""
        return self.tops[-1]

    def section_of(self, card: int) -> int:
        """The section of a card."""
        return bisect_right(self.starts, card) - 1

    def section_at(self, y: int) -> int:
        """The section at a height; the first above all, the last below all."""
        return min(max(0, bisect_right(self.tops, y) - 1), max(0, len(self.tops) - 2))

    def place(self, card: int) -> tuple[int, int]:
        """Left and top of a card's cell."""
        section = self.section_of(card)
        line, column = divmod(card - self.starts[section], self.columns)
        return column * self.width, self.tops[section] + self.header + line * self.height

    def card_at(self, x: int, y: int) -> int:
        """The card whose cell has that point; -1 where there is none."""
        card = self.nearest(x, y)
        if card < 0:
            return -1
        left, top = self.place(card)
        return card if left <= x < left + self.width and top <= y < top + self.height else -1

    def nearest(self, x: int, y: int) -> int:
        """The card nearest to a point, in the section at its height; -1 without cards."""
        if not self.cards:
            return -1
        section = self.section_at(y)
        line = max(0, y - self.tops[section] - self.header) // self.height
        column = min(max(0, x // self.width), self.columns - 1)
        last = self.starts[section + 1] - 1
        return min(self.starts[section] + line * self.columns + column, last)

    def header_at(self, y: int) -> int:
        """The section whose header is at a height; -1 where there is none."""
        section = self.section_at(y)
        top = self.tops[section]
        return section if self.cards and top <= y < top + self.header else -1

    def visible(self, top: int, bottom: int) -> range:
        """The cards that lie between two heights, at least in part."""
        if not self.cards or bottom <= top:
            return range(0)
        return range(self.nearest(0, top), self.nearest(self.columns * self.width, bottom - 1) + 1)

    def sections(self, top: int, bottom: int) -> range:
        """The sections that lie between two heights, at least in part."""
        return range(self.section_at(top), self.section_at(bottom - 1) + 1) if self.cards and bottom > top else range(0)

    def moved(self, card: int, lines: int, column: int) -> int:
        """The card so many lines below (above: negative) in a column, across sections; the nearest where a line is
        short.
        """
        section = self.section_of(card)
        while True:
            start, end = self.starts[section], self.starts[section + 1]
            line, last = (card - start) // self.columns + lines, (end - start - 1) // self.columns
            if line < 0 and section > 0:
                lines, section = line + 1, section - 1
                card = self.starts[section + 1] - 1
            elif line > last and section + 2 < len(self.starts):
                lines, section = line - last - 1, section + 1
                card = self.starts[section]
            else:
                return min(start + min(max(line, 0), last) * self.columns + column, end - 1)
