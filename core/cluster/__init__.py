"""Work on many machines: the local code, called by Ray's workers. Nothing of Ray is imported before it is asked for."""
