"""Rules about SNS."""
