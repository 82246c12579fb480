"""Tests of the mutants: each operator damages the right places in every region, and the outcome is counted correctly."""
