"""What is computed once from a dataset's recordings and pictures, and kept: training, evaluation and probes read it."""
