"""Galleries in the SQLite store: images, tags and vectors, folders, and what indexing reads and writes."""
