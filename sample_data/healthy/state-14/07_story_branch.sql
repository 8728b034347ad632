-- The branch: it begins with the messages of the chat that it left.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260614_193000_0fb2c3', 'discord', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null, "_branched_from": "20260614_191500_0fa1b2c3"}',
    'You are a helpful assistant.', '20260614_191500_0fa1b2c3', at('2026-06-14 19:30:00'),
    6, 0, 900, 60, 'example', 0.002, 'estimated', 'Bedtime story with a storm', 1
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(44, '20260614_193000_0fb2c3', at('2026-06-14 19:30:00.1'), 'user', 'A bedtime story about a snail who wants to see the sea.', NULL),
(45, '20260614_193000_0fb2c3', at('2026-06-14 19:30:00.1007'), 'assistant', 'The snail asks a gull, and the gull says: it is only a garden away ...', 'stop'),
(46, '20260614_193000_0fb2c3', at('2026-06-14 19:30:00.1014'), 'user', 'What does the snail pack?', NULL),
(47, '20260614_193000_0fb2c3', at('2026-06-14 19:30:00.1021'), 'assistant', 'A leaf, for lunch and for shade.', 'stop'),
(48, '20260614_193000_0fb2c3', at('2026-06-14 19:31:40'), 'user', 'Now a version with a storm.', NULL),
(49, '20260614_193000_0fb2c3', at('2026-06-14 19:31:40.0007'), 'assistant', 'The wind takes the leaf, and the snail learns that it can swim. A little. ⛵', 'stop');
