-- TR007: the last turn is in the transcript alone, because /undo of 0.15.2 took it back. Such an
-- undo writes all rows again: one block of ids, one time, nothing that says what went.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260523_194412_9b1deb4d', 'discord', '88130099', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-23 19:44:12'), 5, 0, 2700, 180, 'example',
    0.006, 'estimated', 'Speech for the 70th birthday', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content) VALUES
(78, '20260523_194412_9b1deb4d', at('2026-06-02 12:00:00'), 'user', 'Three sentences for the 70th birthday of my aunt, who sails.'),
(79, '20260523_194412_9b1deb4d', at('2026-06-02 12:00:00.000001'), 'assistant', 'Seventy years, and still the first on deck. May the wind stay behind you and the coffee in front of you. Happy birthday!'),
(80, '20260523_194412_9b1deb4d', at('2026-06-02 12:00:00.000002'), 'session_meta', NULL),
(81, '20260523_194412_9b1deb4d', at('2026-06-02 12:00:00.000003'), 'user', 'Warmer, please.'),
(82, '20260523_194412_9b1deb4d', at('2026-06-02 12:00:00.000004'), 'assistant', 'You taught us to read the sky and never to be afraid of rain. Seventy years under full sail: we love you, captain.');
