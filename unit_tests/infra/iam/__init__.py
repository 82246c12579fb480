"""Evaluate IAM on the templates alone: who may do what, without code that made the templates.

The evaluator supports the part of IAM that the templates use. A policy with anything else is an error, never a yes. The
tests prove what the policies state, but not that AWS reads them the same way.
"""
