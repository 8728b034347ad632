UPDATE messages SET tool_calls = substr(tool_calls, 1, 20)
WHERE session_id = 'torn' AND tool_calls IS NOT NULL;
