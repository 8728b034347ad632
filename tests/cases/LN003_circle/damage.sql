UPDATE sessions SET parent_session_id = CASE id WHEN 'wine' THEN 'cider' WHEN 'cider' THEN 'beer' ELSE 'wine' END;
