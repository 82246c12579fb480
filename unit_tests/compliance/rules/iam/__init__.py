"""Tests of the rules about IAM and resource policies."""
