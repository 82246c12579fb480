"""Tests of the packs: a pack that did not run never counts as passed."""
