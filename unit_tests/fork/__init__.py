"""Test a fork's edits in a copy, as far as it is cheap enough for every offline run."""
