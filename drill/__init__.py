"""The failover drill: injects a fault, fails over and back, measures it, and proves that nothing was lost."""
