"""Tests of the rules about VPCs."""
