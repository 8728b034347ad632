"""Migration and repair toolkit for existing Hermes Agent installs."""

__version__ = "0.1.0"
