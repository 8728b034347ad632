UPDATE sessions SET message_count = 0 WHERE id = 'list';
