"""Tests of the programs and the folders of a run."""
