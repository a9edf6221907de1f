"""Long work that several panels share: downloads of weights, indexing, training runs."""
