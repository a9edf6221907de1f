"""Datasets: a folder of one of several kinds becomes frozen records, and a report of what is wrong with it."""

from core.datasets.kinds import KINDS, Detection, detect, load
from core.datasets.problems import PROBLEM_KINDS, Problem
from core.datasets.records import WHOLE, Dataset, ImageEntry, Utterance
from core.datasets.reports import DatasetReport, SplitCount, describe, inspect, report, to_json

__all__ = [
    "KINDS",
    "PROBLEM_KINDS",
    "WHOLE",
    "Dataset",
    "DatasetReport",
    "Detection",
    "ImageEntry",
    "Problem",
    "SplitCount",
    "Utterance",
    "describe",
    "detect",
    "inspect",
    "load",
    "report",
    "to_json",
]
