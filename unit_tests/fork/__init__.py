"""A fork's edits, made in a copy: what is cheap enough to look at in every offline run."""
