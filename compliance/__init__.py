"""The gate: judges CloudFormation templates before anything can be deployed, and leaves a ledger of what it judged."""
