UPDATE sessions SET started_at = CAST(started_at * 1000 AS INTEGER) WHERE id = 'boat';
