-- TR001, tail missing. state.db was put back from a copy without its -wal, and two turns that were
-- in the -wal only were lost. Rows of the next chat lie between those of this one: it was never
-- rewritten.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260524_091000_6fa459ea', 'telegram', '4711077', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-24 09:10:00'), 5, 0, 1800, 120, 'example',
    0.004, 'estimated', 'Permit for a garden shed', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(49, '20260524_091000_6fa459ea', at('2026-05-24 09:10:25'), 'user', 'Do I need a permit for a shed of 8 m²?', NULL),
(50, '20260524_091000_6fa459ea', at('2026-05-24 09:10:25.0007'), 'assistant', 'That depends on the state. In most of them a shed without heating is free of a permit up to 30 m³ of volume.', 'stop'),
(51, '20260524_091000_6fa459ea', at('2026-05-24 09:10:25.349861'), 'session_meta', NULL, NULL),
(55, '20260524_091000_6fa459ea', at('2026-05-24 18:40:03'), 'user', '8 m² times 2.4 m is 19 m³. And the distance to the neighbour?', NULL),
(56, '20260524_091000_6fa459ea', at('2026-05-24 18:40:03.0007'), 'assistant', 'Without windows towards the neighbour it may stand at the border up to 9 m of length and 3 m of height.', 'stop');
