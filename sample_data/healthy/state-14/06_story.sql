-- Left by /branch.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, ended_at,
    end_reason, message_count, tool_call_count, input_tokens, output_tokens,
    billing_provider, estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260614_191500_0fa1b2c3', 'discord', '77013', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-14 19:15:00'), at('2026-06-14 19:29:59.5'),
    'branched', 5, 0, 1800, 120, 'example', 0.004, 'estimated', 'Bedtime story', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(39, '20260614_191500_0fa1b2c3', at('2026-06-14 19:15:22'), 'user', 'A bedtime story about a snail who wants to see the sea.', NULL),
(40, '20260614_191500_0fa1b2c3', at('2026-06-14 19:15:22.0007'), 'assistant', 'The snail asks a gull, and the gull says: it is only a garden away ...', 'stop'),
(41, '20260614_191500_0fa1b2c3', at('2026-06-14 19:15:22.373733'), 'session_meta', NULL, NULL),
(42, '20260614_191500_0fa1b2c3', at('2026-06-14 19:20:05'), 'user', 'What does the snail pack?', NULL),
(43, '20260614_191500_0fa1b2c3', at('2026-06-14 19:20:05.0007'), 'assistant', 'A leaf, for lunch and for shade.', 'stop');
