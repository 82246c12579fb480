"""What the rules know of AWS services, each fact in one place."""
