-- LN002: the other one. Three turns were said here that nobody finds any more.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260608_191007_de08ca', 'telegram', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260601_080500_4fa2b1c3', at('2026-06-08 19:10:07'),
    14, 0, 2700, 180, 'example', 0.006, 'estimated', 'Walking in the Dolomites #3', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(110, '20260608_191007_de08ca', at('2026-06-08 19:10:12'), 'user', 'Seven days of hut to hut in the Dolomites in August, with a ten-year-old?', NULL),
(111, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0007'), 'assistant', 'Stay on the first half of the Alta Via 1: short days, huts with bunks for families, and a bus at every second stage.', 'stop'),
(112, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0014'), 'user', 'Which huts must be booked now?', NULL),
(113, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0021'), 'user', '[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this summary.
## Active Task
Plan seven days in the Dolomites.
## Done
Route, huts, water and weather are settled.

--- END OF CONTEXT SUMMARY — respond to the message below, not the summary above ---', NULL),
(114, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0028'), 'user', 'How many litres of water a day?', NULL),
(115, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0035'), 'assistant', 'Two for each of you; every hut sells or gives water, and the stream below Lavarella is good.', 'stop'),
(116, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0042'), 'user', 'And if it thunders? ⛈️', NULL),
(117, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0049'), 'assistant', 'Start at seven, be at the hut by two, and never wait under a lone tree or on the ridge.', 'stop'),
(118, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0056'), 'user', 'How do we get there by train?', NULL),
(119, '20260608_191007_de08ca', at('2026-06-08 19:10:12.0063'), 'assistant', 'To Fortezza, then the Pusteria line to Villabassa, and bus 442 to the lake of Braies.', 'stop'),
(120, '20260608_191007_de08ca', at('2026-06-08 19:14:51'), 'user', 'Is there a bus back from the end?', NULL),
(121, '20260608_191007_de08ca', at('2026-06-08 19:14:51.0007'), 'assistant', 'From passo Falzarego to Cortina every hour, and on to Dobbiaco by 445.', 'stop'),
(124, '20260608_191007_de08ca', at('2026-06-09 20:05:29'), 'user', 'Write the connections into a table.', NULL),
(125, '20260608_191007_de08ca', at('2026-06-09 20:05:29.0007'), 'assistant', 'Outward: 08:02 Fortezza, 09:14 Villabassa, 09:40 bus 442. Back: hourly at :25 from the pass.', 'stop');
