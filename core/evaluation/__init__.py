"""Evaluation: ranks, recall, word errors and the analysis of misses."""
