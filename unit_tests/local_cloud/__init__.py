"""Tests without a running cloud; integration_tests/local_cloud has the others."""
