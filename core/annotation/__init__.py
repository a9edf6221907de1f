"""Spoken captions for the pictures of a gallery: recorded, corrected, reviewed, brought in from datasets, exported."""
