"""`python -m dermiqa`."""

from dermiqa.cli import main

main()
