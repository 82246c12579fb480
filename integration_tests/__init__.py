"""Tests that leave the process's own memory: in-process AWS (`moto`), the local cloud and the whole platform on it.

What each layer proves, and what it cannot, is in its own package's docstring.
"""
