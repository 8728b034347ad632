DELETE FROM messages WHERE session_id = 'parent';
DELETE FROM sessions WHERE id = 'parent';
