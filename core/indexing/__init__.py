"""Indexing: scan folders, read images, reconcile a gallery with what is on disk."""
