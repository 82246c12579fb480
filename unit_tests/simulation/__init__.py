"""The simulator: it repeats itself, it bites, and the histories that once failed hold."""
