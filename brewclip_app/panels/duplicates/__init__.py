"""Duplicates: groups of files that hold one picture, and which of them to keep."""
