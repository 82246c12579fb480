"""Test Ctrl-C, `kill` and a closed terminal through nox, at several times of each long session: nothing is left behind."""
