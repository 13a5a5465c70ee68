"""The external programs that the RTL flow runs: where they are, and what to do when they are missing."""
