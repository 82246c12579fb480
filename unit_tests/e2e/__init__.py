"""Test the end-to-end run itself: its refusals, its interruption, its cleanup, and that its comparisons find differences."""
