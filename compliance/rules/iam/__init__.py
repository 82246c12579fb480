"""Rules about IAM and resource policies."""
