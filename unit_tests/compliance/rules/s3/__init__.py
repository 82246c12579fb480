"""Tests of the rules about S3."""
