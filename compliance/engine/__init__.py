"""Judges templates by rules: a rule, a verdict, findings, acknowledgements, coverage, configurations, baselines."""
