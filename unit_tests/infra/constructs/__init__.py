"""Each construct alone in a small stack: proves what its template says; cannot prove that AWS agrees to it."""
