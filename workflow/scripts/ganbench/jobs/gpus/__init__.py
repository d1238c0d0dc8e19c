"""The GPUs of this machine: which there are, how jobs share them, and MPS."""
