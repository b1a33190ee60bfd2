"""The page of the running house, at `/`. Needs the extra `web`."""

from .mount import mount

__all__ = ["mount"]
