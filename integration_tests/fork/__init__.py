"""A fork of this repository: a copy in which everything that is its owner's to edit was edited, and all must be green."""
