-- Nothing wrong: a session of the command line, with a delegate.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260605_100000_e59ff9', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-05 10:00:00'), at('2026-06-05 10:20:00.75'),
    'cli_close', 6, 1, 2700, 180, 'example', 0.006, 'estimated', 'Tidy the photo folder', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(162, '20260605_100000_e59ff9', at('2026-06-05 10:00:33'), 'user', 'Sort ~/photos by month, but look for doubles first.', NULL),
(163, '20260605_100000_e59ff9', at('2026-06-05 10:00:33.0007'), 'assistant', 'I let a helper look for doubles and sort afterwards.', 'stop'),
(168, '20260605_100000_e59ff9', at('2026-06-05 10:06:02'), 'user', 'Delete the second one.', NULL),
(171, '20260605_100000_e59ff9', at('2026-06-05 10:06:02.0021'), 'assistant', 'Done. All others are in folders by month now. 📷', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason) VALUES
(169, '20260605_100000_e59ff9', at('2026-06-05 10:06:02.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_photo_2", "call_id": "call_photo_2", "response_item_id": "fc_photo_2", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"rm ''2026/may/img_014 (1).jpg''\"}"}}]', 'tool_calls'),
(170, '20260605_100000_e59ff9', at('2026-06-05 10:06:02.0014'), 'tool', '', 'terminal', 'call_photo_2', NULL, NULL);
