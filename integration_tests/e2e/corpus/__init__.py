"""The files that are pushed through, and what must become of them, worked out without any code of the platform."""
