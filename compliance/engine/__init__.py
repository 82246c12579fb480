"""Judge templates by rules: rules, verdicts, findings, acknowledgements, coverage, configurations and baselines."""
