"""Tests of the command `lockstep`."""
