"""Receipts, backups, copied sources and acknowledgements: the only writer of our own folder."""
