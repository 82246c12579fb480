"""Tests of the drill's reports. `samples` has reports of typical drills, and a strategy for any valid report."""
