"""Distortion types: one file per family of pure functions `(H, W, 3) uint8 RGB -> same`."""
