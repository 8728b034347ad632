-- TR001, front missing (as in Hermes #3212). The database was begun anew on 15 May; the chat went
-- on, and SQLite has its turns from then on only. The transcript has all of it up to 0.14.0; the
-- last turn is of 0.15.2.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, api_call_count
) VALUES (
    '20260503_190412_3fa81c77', 'telegram', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-16 08:40:05'), 4, 0, 1800, 120, 'example',
    0.004, 'estimated', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(4, '20260503_190412_3fa81c77', at('2026-05-16 08:40:31'), 'user', 'Can we take the dog?', NULL),
(5, '20260503_190412_3fa81c77', at('2026-05-16 08:40:31.0007'), 'assistant', 'A dog under 10 kg may come along in a carrier on both railways. A larger one only on some Portuguese trains, with a muzzle and a ticket of its own.', 'stop'),
(72, '20260503_190412_3fa81c77', at('2026-06-03 20:10:44'), 'user', 'Sales are not open yet. Remind me when?', NULL),
(73, '20260503_190412_3fa81c77', at('2026-06-03 20:10:44.0007'), 'assistant', 'On the 5th of July, sixty days before the 3rd of September.', 'stop');
