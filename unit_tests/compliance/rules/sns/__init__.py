"""Tests of the rules about SNS."""
