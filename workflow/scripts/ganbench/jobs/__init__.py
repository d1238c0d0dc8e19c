"""What jobs of every stage need: logs, files, locks, devices, provenance and errors."""
