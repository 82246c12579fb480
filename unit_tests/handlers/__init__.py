"""Handlers in process, no network: prove logic; cannot prove that AWS agrees."""
