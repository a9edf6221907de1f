"""Exact and near duplicates of a gallery: candidates by embedding, confirmed by their pixels."""
