"""Tables, engines, queries and migrations."""
