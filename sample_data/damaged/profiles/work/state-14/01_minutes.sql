-- A chat whose compression was killed on 14 June (see 03_locks.sql).

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260610_091503_77aa01de', 'telegram', '4711500', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-10 09:15:03'), 7, 0, 2700, 180, 'example',
    0.006, 'estimated', 'Minutes of the garden club', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(1, '20260610_091503_77aa01de', at('2026-06-10 09:15:20'), 'user', 'Turn my notes into minutes: water bill up 12 %, hedge on 20 June, new treasurer wanted.', NULL),
(2, '20260610_091503_77aa01de', at('2026-06-10 09:15:20.0007'), 'assistant', '1. The water bill rose by 12 %. 2. The hedge is cut on 20 June. 3. The club looks for a treasurer.', 'stop'),
(3, '20260610_091503_77aa01de', at('2026-06-10 09:15:20.30987'), 'session_meta', NULL, NULL),
(4, '20260610_091503_77aa01de', at('2026-06-12 18:02:11'), 'user', 'Add: Kim brings the ladder 🪜', NULL),
(5, '20260610_091503_77aa01de', at('2026-06-12 18:02:11.0007'), 'assistant', '4. Kim brings the ladder.', 'stop'),
(6, '20260610_091503_77aa01de', at('2026-06-14 20:40:37'), 'user', 'And a line of thanks to the last treasurer.', NULL),
(7, '20260610_091503_77aa01de', at('2026-06-14 20:40:37.0007'), 'assistant', '5. The club thanks Robin for nine years with the books.', 'stop');
