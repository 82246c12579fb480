"""Ctrl-C, `kill` and a closed terminal through nox, at several moments of each long session: nothing may stay behind."""
