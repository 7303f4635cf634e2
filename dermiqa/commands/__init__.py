"""The verbs of the command line, thin: each parses, calls a library function and prints."""
