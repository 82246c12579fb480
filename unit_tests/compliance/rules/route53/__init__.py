"""Tests of the rules about Route 53."""
