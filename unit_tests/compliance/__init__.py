"""Tests of the gate: each rule, each fault of the registry and each exit status, with real synthesis and cdk-nag packs.

They cannot prove that AWS accepts a template that passes, nor that the rules check every property.
"""
