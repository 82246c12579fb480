"""The stacks: each connects constructs with settings, and has no logic of its own."""
