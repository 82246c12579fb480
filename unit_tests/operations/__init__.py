"""What operators do to a deployed platform."""
