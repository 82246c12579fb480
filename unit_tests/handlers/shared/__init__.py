"""What several functions share: identity, the table's schema, values, the control register."""
