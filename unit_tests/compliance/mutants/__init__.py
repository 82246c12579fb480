"""Mutants: that each operator damages what it says, everywhere alike, and that the outcome is counted honestly."""
