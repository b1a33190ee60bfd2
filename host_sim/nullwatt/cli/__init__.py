"""The `nullwatt` command: parse, call, print."""
