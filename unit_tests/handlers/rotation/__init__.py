"""Test the rotation's four steps: their refusals, and that each can be repeated.

The tests prove the decisions, against a Secrets Manager with scripted answers. They cannot prove that Secrets Manager moves
its labels like the script; the tests against moto and a rotation in an account do.
"""
