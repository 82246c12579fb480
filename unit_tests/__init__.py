"""No network, no cloud: proves logic and templates; cannot prove that AWS, or anything like it, agrees."""
