"""Downloads that are verified before use, into a cache that studies share."""
