"""Handlers in process."""
