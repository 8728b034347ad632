-- From 0.14.0 on, with a transcript; went on under 0.16.0, which writes none.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260519_121500_5d0a77e1', 'telegram', '5100001', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-19 12:15:00'), 9, 0, 3600, 240, 'example',
    0.008, 'estimated', 'Minestrone', 4
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(1, '20260519_121500_5d0a77e1', at('2026-05-19 12:15:24'), 'user', 'Leftovers: half a cabbage, two carrots, a can of beans. Soup?', NULL),
(2, '20260519_121500_5d0a77e1', at('2026-05-19 12:15:24.0007'), 'assistant', 'Minestrone: soften onion and carrots, add cabbage and broth for 20 minutes, then beans and small pasta for 8. 🍲', 'stop'),
(3, '20260519_121500_5d0a77e1', at('2026-05-19 12:15:24.332807'), 'session_meta', NULL, NULL),
(4, '20260519_121500_5d0a77e1', at('2026-05-20 18:40:02'), 'user', 'A rind of parmesan is here too.', NULL),
(5, '20260519_121500_5d0a77e1', at('2026-05-20 18:40:02.0007'), 'assistant', 'Into the pot with it, from the beginning; fish it out at the end.', 'stop'),
(16, '20260519_121500_5d0a77e1', at('2026-05-25 12:20:59'), 'user', 'Frozen the rest. How long does it keep?', NULL),
(17, '20260519_121500_5d0a77e1', at('2026-05-25 12:20:59.0007'), 'assistant', 'Three months. Without the pasta it would be better; it goes soft.', 'stop'),
(20, '20260519_121500_5d0a77e1', at('2026-06-10 17:45:30'), 'user', 'Thawed it. With fresh basil: perfect.', NULL),
(21, '20260519_121500_5d0a77e1', at('2026-06-10 17:45:30.0007'), 'assistant', 'Summer in a bowl 🌿', 'stop');
