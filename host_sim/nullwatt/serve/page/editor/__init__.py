"""The home editor: a house file as devices on wires. The server keeps and checks the file, the browser draws."""

from .editor import Editor

__all__ = ["Editor"]
