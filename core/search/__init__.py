"""Filling a gallery and searching it."""
