"""Speech recognition: Whisper, its decoder, guards against hallucinated text, word times."""
