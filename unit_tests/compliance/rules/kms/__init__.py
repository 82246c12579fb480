"""Tests of the rules about KMS."""
