"""`python -m nullwatt`."""

from nullwatt.cli.main import main

main()
