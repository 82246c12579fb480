"""Test each shim of the local cloud by its behaviour, on separate clouds."""
