"""Tests of the rules about CloudTrail."""
