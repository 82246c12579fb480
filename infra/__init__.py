"""Describes the system: the only room that builds constructs."""
