"""Maintenance of a home: check of what it holds, backup and restore."""
