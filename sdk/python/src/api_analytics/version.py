"""The version, where nothing else is imported. `pyproject.toml` reads it from here."""

VERSION = "0.1.0"
