"""BrewCLIP without a window: hearing, seeing, storing and searching. Nothing in here imports Qt."""

__version__ = "0.1.0"
