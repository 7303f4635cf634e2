"""Opinion scores: pure statistics on votes (NumPy, SciPy, pandas)."""
