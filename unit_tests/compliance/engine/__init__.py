"""Tests of the engine: every rule and resource has a row, and silence is never a pass."""
