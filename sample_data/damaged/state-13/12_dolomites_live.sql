-- LN002: the continuation that sessions.json leads to.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260608_191005_2a3187', 'telegram', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260601_080500_4fa2b1c3', at('2026-06-08 19:10:05'),
    14, 0, 2700, 180, 'example', 0.006, 'estimated', 'Walking in the Dolomites #2', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(100, '20260608_191005_2a3187', at('2026-06-08 19:10:10'), 'user', 'Seven days of hut to hut in the Dolomites in August, with a ten-year-old?', NULL),
(101, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0007'), 'assistant', 'Stay on the first half of the Alta Via 1: short days, huts with bunks for families, and a bus at every second stage.', 'stop'),
(102, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0014'), 'user', 'Which huts must be booked now?', NULL),
(103, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0021'), 'user', '[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this summary.
## Active Task
Plan seven days on the Alta Via 1.
## Done
Huts, ladders, water, thunder.

--- END OF CONTEXT SUMMARY — respond to the message below, not the summary above ---', NULL),
(104, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0028'), 'user', 'How many litres of water a day?', NULL),
(105, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0035'), 'assistant', 'Two for each of you; every hut sells or gives water, and the stream below Lavarella is good.', 'stop'),
(106, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0042'), 'user', 'And if it thunders? ⛈️', NULL),
(107, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0049'), 'assistant', 'Start at seven, be at the hut by two, and never wait under a lone tree or on the ridge.', 'stop'),
(108, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0056'), 'user', 'What do we pack for the child?', NULL),
(109, '20260608_191005_2a3187', at('2026-06-08 19:10:10.0063'), 'assistant', 'Her own small rucksack with a rain coat, a cap, gloves, and one cuddly toy. Nothing that you would miss.', 'stop'),
(122, '20260608_191005_2a3187', at('2026-06-09 18:22:36'), 'user', 'Boots or running shoes?', NULL),
(123, '20260608_191005_2a3187', at('2026-06-09 18:22:36.0007'), 'assistant', 'Boots that are worn in. The gravel below Lagazuoi is no fun in soft shoes.', 'stop'),
(126, '20260608_191005_2a3187', at('2026-06-11 07:55:02'), 'user', 'Thank you! Everything is booked 🏔️', NULL),
(127, '20260608_191005_2a3187', at('2026-06-11 07:55:02.0007'), 'assistant', 'Have a good trip. Look up and not only at the path.', 'stop');
