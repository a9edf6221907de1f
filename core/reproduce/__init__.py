"""Reproduction of the paper in one command: plans as declared data, the steps of a plan, their records, a report."""
