"""Galleries in Lance tables: the gallery, its tables, writing, the write lock, maintenance."""
