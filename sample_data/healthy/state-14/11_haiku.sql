-- Its last turn was taken back (/undo of 0.16.0): the rows stay, inactive, and message_count as
-- well.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count, rewind_count
) VALUES (
    '20260617_213000_9c3d51f4', 'signal', '+4915520002', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-17 21:30:00'), 7, 0, 2700, 180, 'example',
    0.006, 'estimated', 'A haiku', 3, 1
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason, active) VALUES
(60, '20260617_213000_9c3d51f4', at('2026-06-17 21:30:20'), 'user', 'A haiku about rain on a tent.', NULL, 1),
(61, '20260617_213000_9c3d51f4', at('2026-06-17 21:30:20.0007'), 'assistant', 'Rain on the thin roof — / the whole valley whispers names / I am almost mine.', 'stop', 1),
(62, '20260617_213000_9c3d51f4', at('2026-06-17 21:30:20.346846'), 'session_meta', NULL, NULL, 1),
(63, '20260617_213000_9c3d51f4', at('2026-06-17 21:33:00'), 'user', 'Something lighter.', NULL, 1),
(64, '20260617_213000_9c3d51f4', at('2026-06-17 21:33:00.0007'), 'assistant', 'Drip on my forehead. / The tent is new, said the shop. / The shop was joking. 😄', 'stop', 1),
(65, '20260617_213000_9c3d51f4', at('2026-06-17 21:35:10'), 'user', 'Now one about sheep.', NULL, 0),
(66, '20260617_213000_9c3d51f4', at('2026-06-17 21:35:10.0007'), 'assistant', 'Clouds on four thin legs.', 'stop', 0);
