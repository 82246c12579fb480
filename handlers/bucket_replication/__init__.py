"""Custom resource for the replication rule of a bucket whose destination is created later."""
