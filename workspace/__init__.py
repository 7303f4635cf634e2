"""The ground floor: errors, settings, and the files that a project folder consists of."""
