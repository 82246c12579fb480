"""Facts about AWS services that the rules share."""
