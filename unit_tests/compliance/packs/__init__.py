"""Tests of the bridges: a pack that did not run is never a clean pack."""
