"""Points whose density is known, so that a generator can be held against theory."""
