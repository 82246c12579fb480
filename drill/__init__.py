"""The failover drill: inject a fault, fail over and back, measure the times, and prove that nothing was lost."""
