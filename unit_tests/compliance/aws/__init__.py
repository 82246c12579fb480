"""Tests of what the rules know of AWS services."""
