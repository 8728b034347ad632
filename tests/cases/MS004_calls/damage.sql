UPDATE messages SET tool_calls = json_extract(tool_calls, '$[0]')
WHERE session_id = 'single' AND tool_calls IS NOT NULL;
UPDATE messages SET tool_calls = substr(tool_calls, 1, 20)
WHERE session_id = 'torn' AND tool_calls IS NOT NULL;
