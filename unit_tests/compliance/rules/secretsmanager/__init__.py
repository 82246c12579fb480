"""Tests of the rules about Secrets Manager."""
