"""The models: speech (Whisper) and vision-language (CLIP and what is shaped like it)."""
