-- Whole: the transcript is shorter than SQLite, because the gateway was killed once between its
-- two writes.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260521_074501_d41d8cd9', 'whatsapp', '4915510009', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-21 07:45:01'), 7, 0, 2700, 180, 'example',
    0.006, 'estimated', 'Moving boxes', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(33, '20260521_074501_d41d8cd9', at('2026-05-21 07:45:20'), 'user', 'How many boxes for a flat of 60 m²?', NULL),
(34, '20260521_074501_d41d8cd9', at('2026-05-21 07:45:20.0007'), 'assistant', 'Reckon with 45 to 55, of which 12 small ones for books.', 'stop'),
(35, '20260521_074501_d41d8cd9', at('2026-05-21 07:45:20.378213'), 'session_meta', NULL, NULL),
(38, '20260521_074501_d41d8cd9', at('2026-05-22 08:10:10'), 'user', 'And how do I mark them?', NULL),
(39, '20260521_074501_d41d8cd9', at('2026-05-22 08:10:10.0007'), 'assistant', 'Room, number, and an arrow. Keep the list of what is in which number on the phone.', 'stop'),
(40, '20260521_074501_d41d8cd9', at('2026-05-23 07:58:33'), 'user', 'Lift is out of order. Fourth floor. Ideas? 😅', NULL),
(41, '20260521_074501_d41d8cd9', at('2026-05-23 07:58:33.0007'), 'assistant', 'Rent an outside lift for two hours, or pack nothing heavier than 15 kg and form a chain on the stairs.', 'stop');
