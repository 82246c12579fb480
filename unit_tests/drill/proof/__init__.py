"""The proof of the drill: that it finds what is wrong, all of it and nothing else."""
