"""The distortions themselves: one file for each family, each a pure function of `(H, W, 3) uint8 RGB` to the same."""
