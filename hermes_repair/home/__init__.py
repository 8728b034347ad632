"""Which homes, profiles and files there are; directory entries and config only, never SQLite."""
