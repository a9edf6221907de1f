"""Work on many machines: the local code, called by Ray's workers. Ray is imported when it is first used."""
