"""The deterministic simulator: the real handlers in a two-region world whose time, order and faults one seed decides."""
