"""Proves that the gate bites: each rule, each way to be wrong in the registry, each exit status, on our own templates.

Synthesis and the cdk-nag packs are the real ones. It cannot prove that AWS would accept what passes, nor that the packs
look at everything: what no rule looks at passes unseen.
"""
