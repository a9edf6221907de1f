"""Behind `core.weights`: the table of weights, where each comes from, downloads, conversions, checked files."""
