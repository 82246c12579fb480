"""Test a fork of this repository: a copy with all edits of an owner, in which every check must pass."""
