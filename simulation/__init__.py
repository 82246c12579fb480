"""The deterministic simulator: the real handlers in a two-region world. One seed determines time, order and faults."""
