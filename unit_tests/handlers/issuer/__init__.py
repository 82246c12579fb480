"""The issuer's decisions: what it accepts, signs, refuses and calls ready.

Proves the code's own logic over spaces of inputs. Cannot prove that AWS takes the calls it makes, nor that S3 refuses
what a signature does not cover: the latter is checked against an implementation of SigV4 of the tests' own.
"""
