"""Guided tour: a first minute with the controls of the real window."""
