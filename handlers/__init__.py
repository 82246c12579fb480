"""The functions that run in Lambda: one folder each, and the code that they share in `shared/`."""
