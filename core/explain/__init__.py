"""Explanations of hits: score shares of the branches, relevance maps, and the faithfulness of the maps."""
