-- A chat in which nothing is wrong.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260607_170000_c41e9b', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-07 17:00:00'), at('2026-06-07 17:05:00.5'),
    'cli_close', 4, 0, 1800, 120, 'example', 0.004, 'estimated', 'Names for a boat', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(1, '20260607_170000_c41e9b', at('2026-06-07 17:00:18'), 'user', 'Names for a small green rowing boat?', NULL),
(2, '20260607_170000_c41e9b', at('2026-06-07 17:00:18.0007'), 'assistant', 'Duckweed, Pea Pod, Little Reed.', 'stop'),
(3, '20260607_170000_c41e9b', at('2026-06-07 17:02:40'), 'user', 'Pea Pod it is 🫛', NULL),
(4, '20260607_170000_c41e9b', at('2026-06-07 17:02:40.0007'), 'assistant', 'Then paint it on both sides of the bow, and on the stern with the port.', 'stop');
