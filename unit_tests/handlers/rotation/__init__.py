"""The rotation's four steps: what they refuse, and that they may be repeated.

Proves the decisions, against a Secrets Manager that answers from a script. Cannot prove that Secrets Manager's labels
move as the script has them: that is for the tests against moto, and for a rotation in an account.
"""
