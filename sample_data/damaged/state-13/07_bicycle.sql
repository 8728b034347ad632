-- TR001, front missing, and TR004: the last write to the transcript was cut off in the middle of a
-- line. SQLite has that last turn.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, api_call_count
) VALUES (
    '20260506_172640_0c9e52af', 'discord', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-17 18:02:11'), 6, 0, 2700, 180, 'example',
    0.006, 'estimated', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(9, '20260506_172640_0c9e52af', at('2026-05-17 18:02:40'), 'user', 'Gauge says 0.6. New chain ordered. Cassette too?', NULL),
(10, '20260506_172640_0c9e52af', at('2026-05-17 18:02:40.0007'), 'assistant', 'Put the chain on first and ride: if it skips under load, the cassette is worn as well.', 'stop'),
(22, '20260506_172640_0c9e52af', at('2026-05-18 20:11:09'), 'user', 'Chain is on. It skips.', NULL),
(23, '20260506_172640_0c9e52af', at('2026-05-18 20:11:09.0007'), 'assistant', 'Then the cassette goes as well. Take the same number of teeth on the largest sprocket, or the derailleur does not fit.', 'stop'),
(70, '20260506_172640_0c9e52af', at('2026-05-28 21:05:00'), 'user', 'New cassette is on and it purrs 🚲', NULL),
(71, '20260506_172640_0c9e52af', at('2026-05-28 21:05:00.0007'), 'assistant', 'Then clean the chain after every rainy ride, and you have peace until the autumn.', 'stop');
