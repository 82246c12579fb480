"""The platforms that a drill can run against, and their fault injectors."""
