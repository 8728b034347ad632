UPDATE sessions SET started_at = started_at * 1000, end_reason = 'cli_close' WHERE id = 'boat';
