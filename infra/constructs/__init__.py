"""One file a capability; each construct takes typed keyword arguments and exposes what others need."""
