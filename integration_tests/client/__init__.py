"""The upload client over real sockets of the loopback, and killed for real."""
