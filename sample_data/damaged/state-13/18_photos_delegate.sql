-- Nothing wrong: the delegate of the session about the photos.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, api_call_count
) VALUES (
    '20260605_100412_43000d', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260605_100000_e59ff9', at('2026-06-05 10:04:12'), 4,
    1, 1800, 120, 'example', 0.004, 'estimated', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(164, '20260605_100412_43000d', at('2026-06-05 10:04:30'), 'user', 'Find files with equal content below ~/photos and list them.', NULL),
(167, '20260605_100412_43000d', at('2026-06-05 10:04:30.0021'), 'assistant', 'One pair: img_014.jpg and img_014 (1).jpg.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason) VALUES
(165, '20260605_100412_43000d', at('2026-06-05 10:04:30.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_photo_1", "call_id": "call_photo_1", "response_item_id": "fc_photo_1", "type": "function", "function": {"name": "terminal", "arguments": "{\"command\": \"fdupes -r ~/photos | head\"}"}}]', 'tool_calls'),
(166, '20260605_100412_43000d', at('2026-06-05 10:04:30.0014'), 'tool', '2026/may/img_014.jpg
2026/may/img_014 (1).jpg
', 'terminal', 'call_photo_1', NULL, NULL);
