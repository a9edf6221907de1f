"""Preview: one picture of a sequence over the whole window, with zoom, information and a slide show."""
