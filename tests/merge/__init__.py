"""The command ``merge``: real homes of releases, merged as a user types it, read by releases."""
