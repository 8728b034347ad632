-- Whole: SQLite has all that the transcript has.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260515_180211_1e2feb89', 'whatsapp', '4915510001', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-15 18:02:11'), 11, 1, 4500, 300, 'example',
    0.01, 'estimated', 'Tomatenbeet 🍅', 5
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(1, '20260515_180211_1e2feb89', at('2026-05-15 18:02:31'), 'user', 'Wie weit müssen die Tomaten auseinander stehen?', NULL),
(2, '20260515_180211_1e2feb89', at('2026-05-15 18:02:31.0007'), 'assistant', '60 cm in der Reihe, 80 cm zwischen den Reihen. Dann trocknen die Blätter nach dem Regen ab. 🍅', 'stop'),
(3, '20260515_180211_1e2feb89', at('2026-05-15 18:02:31.372348'), 'session_meta', NULL, NULL),
(11, '20260515_180211_1e2feb89', at('2026-05-17 19:30:00'), 'user', 'Und was hilft gegen Schnecken, ohne Gift?', NULL),
(14, '20260515_180211_1e2feb89', at('2026-05-17 19:30:00.0021'), 'assistant', 'Ein Schneckenzaun um das Beet, und nur morgens gießen: abends nasse Erde lockt sie an.', 'stop'),
(36, '20260515_180211_1e2feb89', at('2026-05-21 18:20:45'), 'user', 'Die ersten Blüten! 🌼 Ausgeizen?', NULL),
(37, '20260515_180211_1e2feb89', at('2026-05-21 18:20:45.0007'), 'assistant', 'Ja: alle Triebe in den Blattachseln, solange sie kürzer als ein Finger sind.', 'stop'),
(64, '20260515_180211_1e2feb89', at('2026-05-27 18:33:09'), 'user', 'Ein Blatt hat braune Flecken.', NULL),
(65, '20260515_180211_1e2feb89', at('2026-05-27 18:33:09.0007'), 'assistant', 'Von unten her? Dann die unteren Blätter abnehmen und den Boden mulchen.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_call_id, tool_calls, finish_reason) VALUES
(12, '20260515_180211_1e2feb89', at('2026-05-17 19:30:00.0007'), 'assistant', '', NULL, '[{"id": "call_tomato_1", "call_id": "call_tomato_1", "response_item_id": "fc_tomato_1", "type": "function", "function": {"name": "web_search", "arguments": "{\"query\": \"Schnecken Tomaten ohne Gift\"}"}}]', 'tool_calls'),
(13, '20260515_180211_1e2feb89', at('2026-05-17 19:30:00.0014'), 'tool', 'Schneckenzaun; abends absammeln; morgens gießen', 'call_tomato_1', NULL, NULL);
