-- The same to the message in SQLite and in its transcript.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260524_083000_ab15c2f0', 'signal', '+4915520001', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-24 08:30:00'), 5, 0, 1800, 120, 'example',
    0.004, 'estimated', 'Budget for June', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(13, '20260524_083000_ab15c2f0', at('2026-05-24 08:30:40'), 'user', 'Rent 780, food 300, train 49, phone 12. What is left of 1600?', NULL),
(14, '20260524_083000_ab15c2f0', at('2026-05-24 08:30:40.0007'), 'assistant', '1600 − 1141 = 459 euros.', 'stop'),
(15, '20260524_083000_ab15c2f0', at('2026-05-24 08:30:40.384091'), 'session_meta', NULL, NULL),
(18, '20260524_083000_ab15c2f0', at('2026-05-26 19:02:12'), 'user', 'And with 60 a month into a savings jar?', NULL),
(19, '20260524_083000_ab15c2f0', at('2026-05-26 19:02:12.0007'), 'assistant', '399 left, and 720 in the jar after a year.', 'stop');
