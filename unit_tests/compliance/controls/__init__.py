"""Tests of the catalogue of controls."""
