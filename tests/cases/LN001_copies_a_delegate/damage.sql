UPDATE sessions SET parent_session_id = 'gone' WHERE id = 'child';
