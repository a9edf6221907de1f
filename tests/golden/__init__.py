"""Golden tests: what must not change while the code is rearranged."""
