"""Tests of the rules about Lambda."""
