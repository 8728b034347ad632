DELETE FROM messages WHERE session_id = 'list' AND id > 2;
