"""Tests of the rules about EventBridge."""
