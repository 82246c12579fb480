"""Tests of the rules about SQS."""
