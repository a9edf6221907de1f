"""Retrieval models: CLIP backbones, BrewCLIP on top of them, checkpoints, and their registry."""
