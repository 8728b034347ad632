-- Nothing wrong: a run of a cron job.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, api_call_count
) VALUES (
    'cron_ab12cd34ef56_20260606_070000', 'cron', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-06 07:00:00'), at('2026-06-06 07:00:40.5'),
    'cron_complete', 4, 1, 1800, 120, 'example', 0.004, 'estimated', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(172, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21'), 'user', 'Say what the weather will be and whether the tomatoes need water.', NULL),
(175, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21.0021'), 'assistant', 'Warm and dry: water them this evening.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_name, tool_call_id, tool_calls, finish_reason) VALUES
(173, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21.0007'), 'assistant', '', NULL, NULL, '[{"id": "call_cron_1", "call_id": "call_cron_1", "response_item_id": "fc_cron_1", "type": "function", "function": {"name": "web_search", "arguments": "{\"query\": \"weather tomorrow\"}"}}]', 'tool_calls'),
(174, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21.0014'), 'tool', '24 °C, dry, light wind', 'web_search', 'call_cron_1', NULL, NULL);
