"""Qt item models over frozen records of core."""
