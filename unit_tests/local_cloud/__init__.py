"""Tests of what needs no running cloud; integration_tests/local_cloud has the others."""
