"""Mutation testing of the gate: damage templates, and record which rules find each damage."""
