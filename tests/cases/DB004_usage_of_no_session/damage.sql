DELETE FROM messages WHERE session_id = 'budget';
DELETE FROM sessions WHERE id = 'budget';
