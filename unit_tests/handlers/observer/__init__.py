"""The observer, part by part: no table, no network, no clock but what a test gives it."""
