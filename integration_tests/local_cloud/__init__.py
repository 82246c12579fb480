"""Tests of each shim of the local cloud by its behaviour, on clouds of their own."""
