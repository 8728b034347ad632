UPDATE messages SET active = 0 WHERE session_id = 'list';
