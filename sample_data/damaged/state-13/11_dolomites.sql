-- LN002: two processes compressed this chat at the same moment, and it has two continuations.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, ended_at,
    end_reason, message_count, tool_call_count, input_tokens, output_tokens,
    billing_provider, estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260601_080500_4fa2b1c3', 'telegram', '4711099', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-01 08:05:00'),
    at('2026-06-08 19:10:04.9995'), 'compression', 11, 0, 4500, 300, 'example', 0.01,
    'estimated', 'Walking in the Dolomites', 5
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(89, '20260601_080500_4fa2b1c3', at('2026-06-01 08:05:22'), 'user', 'Seven days of hut to hut in the Dolomites in August, with a ten-year-old?', NULL),
(90, '20260601_080500_4fa2b1c3', at('2026-06-01 08:05:22.0007'), 'assistant', 'Stay on the first half of the Alta Via 1: short days, huts with bunks for families, and a bus at every second stage.', 'stop'),
(91, '20260601_080500_4fa2b1c3', at('2026-06-01 08:05:22.377664'), 'session_meta', NULL, NULL),
(92, '20260601_080500_4fa2b1c3', at('2026-06-02 19:31:40'), 'user', 'Which huts must be booked now?', NULL),
(93, '20260601_080500_4fa2b1c3', at('2026-06-02 19:31:40.0007'), 'assistant', 'Fodara Vedla, Lavarella and Lagazuoi; the others keep places for walkers until a month before.', 'stop'),
(94, '20260601_080500_4fa2b1c3', at('2026-06-04 20:12:10'), 'user', 'We are afraid of the ladders.', NULL),
(95, '20260601_080500_4fa2b1c3', at('2026-06-04 20:12:10.0007'), 'assistant', 'The first half has none. The Lagazuoi tunnels have steps and a rope; the cable car goes round them.', 'stop'),
(96, '20260601_080500_4fa2b1c3', at('2026-06-05 07:40:55'), 'user', 'How many litres of water a day?', NULL),
(97, '20260601_080500_4fa2b1c3', at('2026-06-05 07:40:55.0007'), 'assistant', 'Two for each of you; every hut sells or gives water, and the stream below Lavarella is good.', 'stop'),
(98, '20260601_080500_4fa2b1c3', at('2026-06-07 21:03:13'), 'user', 'And if it thunders? ⛈️', NULL),
(99, '20260601_080500_4fa2b1c3', at('2026-06-07 21:03:13.0007'), 'assistant', 'Start at seven, be at the hut by two, and never wait under a lone tree or on the ridge.', 'stop');
