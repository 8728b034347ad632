-- MS002: counts nine messages and has six.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260604_141503_b1946a', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-04 14:15:03'), at('2026-06-04 14:30:00.25'),
    'cli_close', 9, 1, 2700, 180, 'example', 0.006, 'estimated', 'A pattern for dates', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(156, '20260604_141503_b1946a', at('2026-06-04 14:15:30'), 'user', 'A regular expression for dates like 04.06.2026, please.', NULL),
(157, '20260604_141503_b1946a', at('2026-06-04 14:15:30.0007'), 'assistant', '`\b(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.(\d{4})\b` (it still takes the 31st of February).', 'stop'),
(158, '20260604_141503_b1946a', at('2026-06-04 14:21:12'), 'user', 'Test it.', NULL),
(161, '20260604_141503_b1946a', at('2026-06-04 14:21:12.0021'), 'assistant', 'Twelve examples pass, among them three that must not match.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason) VALUES
(159, '20260604_141503_b1946a', at('2026-06-04 14:21:12.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_regex_1", "call_id": "call_regex_1", "response_item_id": "fc_regex_1", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"python check_dates.py\"}"}}]', 'tool_calls'),
(160, '20260604_141503_b1946a', at('2026-06-04 14:21:12.0014'), 'tool', '12 passed
', 'terminal', 'call_regex_1', NULL, NULL);
