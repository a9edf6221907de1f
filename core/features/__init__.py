"""Features of a dataset's recordings and images, computed once and cached; read by training, evaluation and probes."""
