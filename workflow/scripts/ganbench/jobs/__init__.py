"""What every job needs whatever its stage: log, files, locks, devices, provenance, errors."""
