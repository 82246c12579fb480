"""Thin: stacks take settings and constructs and wire them together."""
