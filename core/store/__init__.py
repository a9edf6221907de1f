"""The SQLite store: galleries, images, embeddings by fingerprint, transcripts, queries, tags."""
