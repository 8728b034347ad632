-- TR001, middle missing. Two turns of 19 May never reached the database: another process held its
-- lock for too long, and the agent only warned. The last turn is of 0.15.2.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260518_093320_5ad0c6b4', 'slack', 'U07ADA', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-18 09:33:20'), 11, 2, 4500, 300, 'example',
    0.01, 'estimated', 'CSV import drops the last row', 5
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(17, '20260518_093320_5ad0c6b4', at('2026-05-18 09:33:58'), 'user', 'Our CSV import drops the last row of every file. Where do I look?', NULL),
(20, '20260518_093320_5ad0c6b4', at('2026-05-18 09:33:58.0021'), 'assistant', 'Line 41 counts to `len(rows) - 1`: `range` already leaves its end out, so the last row is never read.', 'stop'),
(21, '20260518_093320_5ad0c6b4', at('2026-05-18 09:33:58.318912'), 'session_meta', NULL, NULL),
(26, '20260518_093320_5ad0c6b4', at('2026-05-20 09:02:27'), 'user', 'Both green ✅ What should the changelog say?', NULL),
(27, '20260518_093320_5ad0c6b4', at('2026-05-20 09:02:27.0007'), 'assistant', '"The importer no longer drops the last row, and accepts an empty file."', 'stop'),
(74, '20260518_093320_5ad0c6b4', at('2026-06-02 11:20:19'), 'user', 'And for a file with Windows line ends?', NULL),
(77, '20260518_093320_5ad0c6b4', at('2026-06-02 11:20:19.0021'), 'assistant', 'Two records: `csv` reads both kinds of line ends as long as the file is opened with `newline=""`.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason, reasoning, reasoning_content) VALUES
(18, '20260518_093320_5ad0c6b4', at('2026-05-18 09:33:58.0007'), 'assistant', 'I look at the importer.', NULL, NULL, '[{"id": "call_bug_1", "call_id": "call_bug_1", "response_item_id": "fc_bug_1", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"grep -n range importer.py\"}"}}]', 'tool_calls', 'A lost last row smells of an off-by-one.', 'A lost last row smells of an off-by-one.'),
(19, '20260518_093320_5ad0c6b4', at('2026-05-18 09:33:58.0014'), 'tool', '41:    for i in range(len(rows) - 1):
', NULL, 'call_bug_1', NULL, NULL, NULL, NULL),
(75, '20260518_093320_5ad0c6b4', at('2026-06-02 11:20:19.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_bug_3", "call_id": "call_bug_3", "response_item_id": "fc_bug_3", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"printf ''a\\\\r\\\\nb\\\\r\\\\n'' | python importer.py -\"}"}}]', 'tool_calls', NULL, NULL),
(76, '20260518_093320_5ad0c6b4', at('2026-06-02 11:20:19.0014'), 'tool', '2 records
', 'terminal', 'call_bug_3', NULL, NULL, NULL, NULL);
