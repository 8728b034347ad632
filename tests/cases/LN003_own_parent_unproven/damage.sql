UPDATE sessions SET parent_session_id = id;
