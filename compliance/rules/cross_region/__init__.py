"""Rules about what both regions must agree on."""
