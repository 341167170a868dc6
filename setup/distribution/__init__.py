"""The parts of a release: its program, its account service, its lists of contents, and its archive."""
