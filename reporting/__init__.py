"""Shared parts of the reports: the page shell, the evidence bundle, JSON, text and progress lines."""
