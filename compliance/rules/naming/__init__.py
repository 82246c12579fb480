"""Rules about names, tags and templates as a whole."""
