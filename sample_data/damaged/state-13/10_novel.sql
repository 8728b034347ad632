-- TR005: /compress of 0.15.2 replaced the rows by a summary and the last turn. The transcript is
-- the conversation before that.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260526_210022_8d3f00aa', 'telegram', '4711088', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-26 21:00:22'), 6, 0, 4500, 300, 'example',
    0.01, 'estimated', 'Outline of a novel', 5
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(83, '20260526_210022_8d3f00aa', at('2026-06-02 21:30:00'), 'user', 'A novel about a lighthouse keeper who collects lost letters. Help me with an outline?', NULL),
(84, '20260526_210022_8d3f00aa', at('2026-06-02 21:30:00.000001'), 'assistant', '[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this summary.
## Active Task
Find the end of the outline.
## Done
Three parts; the postwoman; what he fears.

--- END OF CONTEXT SUMMARY — respond to the message below, not the summary above ---', NULL),
(85, '20260526_210022_8d3f00aa', at('2026-06-02 21:30:00.000002'), 'user', 'And the end?', NULL),
(86, '20260526_210022_8d3f00aa', at('2026-06-02 21:30:00.000003'), 'assistant', 'The light goes automatic. He rows ashore with one letter, his own.', NULL),
(87, '20260526_210022_8d3f00aa', at('2026-06-02 21:31:12'), 'user', 'Go on with part two.', NULL),
(88, '20260526_210022_8d3f00aa', at('2026-06-02 21:31:12.0007'), 'assistant', 'Part two, first scene: the postwoman steps off the supply boat with an empty bag.', 'stop');
