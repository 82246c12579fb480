"""Tests of the rules about what both regions must agree on."""
