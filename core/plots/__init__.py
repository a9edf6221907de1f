"""Plots for print: one style, charts from plain records, PNG, SVG and PDF. matplotlib is imported when needed."""
