"""Evaluate the permissions of the templates with IAM's rules, without the code that generates the templates.

The evaluator supports the part of IAM that the templates use. A policy with anything else is an error, and never allows. The
tests prove what the policies state, but not that AWS reads them the same way.
"""
