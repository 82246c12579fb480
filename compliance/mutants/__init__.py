"""Damages templates on purpose and looks which damage the gate sees: a rule that never bites protects nothing."""
