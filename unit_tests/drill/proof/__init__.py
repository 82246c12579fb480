"""Tests of the drill's proof: it finds every damage and nothing else."""
