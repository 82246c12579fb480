"""Runs in Lambda; imports nothing of infra."""
