"""The end-to-end run itself: what it refuses, what it stops, what it removes, and that its comparisons see a difference."""
