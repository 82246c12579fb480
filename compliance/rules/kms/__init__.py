"""Rules about KMS."""
