"""Tests of the rules about names, tags and templates as a whole."""
