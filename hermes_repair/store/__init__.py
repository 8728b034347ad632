"""The only place that opens SQLite (design section 4)."""
