"""Tests of the evidence bundle; each room tests the reports that it makes of the rest."""
