"""What a drill is done to, and what it may do there."""
