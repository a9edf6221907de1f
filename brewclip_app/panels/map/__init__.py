"""Map: pictures and utterances on a plane, near each other where the model finds them alike."""
