"""Test the issuer's decisions: what it accepts, signs and refuses, and when it is ready.

The tests prove the code's own logic over spaces of inputs. They cannot prove that AWS accepts its calls. An independent
implementation of SigV4 checks that a signature covers what it must.
"""
