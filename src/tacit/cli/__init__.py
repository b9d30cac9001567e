"""The command line: verbs only; everything that it does is a call of the library."""

from tacit.cli.app import app, main

__all__ = ["app", "main"]
