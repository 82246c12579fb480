"""Read deployed resources through AWS's own APIs, compare them with their templates, and judge them by the gate's rules.

It knows templates and APIs only, not the code that wrote the templates or deployed them.
"""
