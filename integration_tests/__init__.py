"""Tests that use more than the process's own memory: `moto` in process, the local cloud, and the whole platform on it.

The docstring of each package states what its tests prove and what they cannot prove.
"""
