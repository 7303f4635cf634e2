"""Training and use of quality models; reads exported files, never the database."""
