"""Tests of the handlers in process, without a network. They prove logic, but not that AWS accepts the calls."""
