"""Code that several functions share: the table's schema, object identity, attribute values and the control register."""
