"""What programs, notebooks and the command line use of the library."""
