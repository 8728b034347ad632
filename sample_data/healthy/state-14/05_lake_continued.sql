-- The continuation: first messages, summary, last messages, new turns.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260616_203000_5e11a7', 'telegram', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260611_200000_c0de12aa', at('2026-06-16 20:30:00'),
    10, 0, 1800, 120, 'example', 0.004, 'estimated', 'Cycling round the lake #2', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(29, '20260616_203000_5e11a7', at('2026-06-16 20:30:06'), 'user', 'Three days round Lake Constance with a trailer?', NULL),
(30, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0007'), 'assistant', 'Three times 70 km, flat, all on bike paths: Konstanz, Friedrichshafen, Arbon, Konstanz.', 'stop'),
(31, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0014'), 'user', 'Ferries?', NULL),
(32, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0021'), 'user', '[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this summary.
## Active Task
Plan three days round the lake.
## Done
Stages, ferry, first night.

--- END OF CONTEXT SUMMARY — respond to the message below, not the summary above ---', NULL),
(33, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0028'), 'user', 'Where do we sleep in Friedrichshafen?', NULL),
(34, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0035'), 'assistant', 'The camp site at the mouth of the Rotach takes cyclists without a booking.', 'stop'),
(35, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0042'), 'user', 'Swimming on the way?', NULL),
(36, '20260616_203000_5e11a7', at('2026-06-16 20:30:06.0049'), 'assistant', 'Hagnau after 15 km, and the long pier of Langenargen at noon. 🏊', 'stop'),
(37, '20260616_203000_5e11a7', at('2026-06-17 08:02:51'), 'user', 'We leave tomorrow!', NULL),
(38, '20260616_203000_5e11a7', at('2026-06-17 08:02:51.0007'), 'assistant', 'Tailwind from the west is forecast. Have fun!', 'stop');
