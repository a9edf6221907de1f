"""Parts that panels share; each takes plain data and emits signals."""
