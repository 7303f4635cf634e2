"""Data sets: one file per public set, each with its facts and its reader."""
