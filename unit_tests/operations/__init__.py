"""Tests of the operator's commands and of the modules that they use."""
