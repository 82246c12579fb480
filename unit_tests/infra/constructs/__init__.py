"""Test each construct alone in a small stack. The tests prove its template, but not that AWS accepts it."""
