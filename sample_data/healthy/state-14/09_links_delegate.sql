-- The delegate of the session about the links.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, api_call_count
) VALUES (
    '20260615_090220_430b02', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260615_090000_e59a01', at('2026-06-15 09:02:20'), 4,
    1, 1800, 120, 'example', 0.004, 'estimated', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(52, '20260615_090220_430b02', at('2026-06-15 09:02:41'), 'user', 'Try every link in docs/ and list the dead ones.', NULL),
(55, '20260615_090220_430b02', at('2026-06-15 09:02:41.0021'), 'assistant', 'One of 213 is dead: docs/install.md, line 14.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason) VALUES
(53, '20260615_090220_430b02', at('2026-06-15 09:02:41.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_links_1", "call_id": "call_links_1", "response_item_id": "fc_links_1", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"python tools/links.py docs\"}"}}]', 'tool_calls'),
(54, '20260615_090220_430b02', at('2026-06-15 09:02:41.0014'), 'tool', '212 ok, 1 dead: docs/install.md:14
', 'terminal', 'call_links_1', NULL, NULL);
