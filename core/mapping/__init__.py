"""Two-dimensional maps of embeddings: points, projections, groups to colour by."""
