"""Tests of the rules about API Gateway."""
