"""Tests of the code that functions share: identity, the table's schema, values and the control register."""
