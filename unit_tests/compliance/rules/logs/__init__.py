"""Tests of the rules about CloudWatch Logs."""
