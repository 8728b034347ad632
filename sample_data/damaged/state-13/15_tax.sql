-- LN004: closed by a compression that was killed before it made the continuation.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, ended_at,
    end_reason, message_count, tool_call_count, input_tokens, output_tokens,
    billing_provider, estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260603_183000_51fe8c07', 'signal', '+4915510003', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-03 18:30:00'), at('2026-06-06 09:12:44.5'),
    'compression', 7, 0, 2700, 180, 'example', 0.006, 'estimated',
    'Papers for the tax return', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(149, '20260603_183000_51fe8c07', at('2026-06-03 18:30:27'), 'user', 'Which papers do I need for working at home?', NULL),
(150, '20260603_183000_51fe8c07', at('2026-06-03 18:30:27.0007'), 'assistant', 'A list of the days, the rent or the size of the room, and the bills of what you bought for it.', 'stop'),
(151, '20260603_183000_51fe8c07', at('2026-06-03 18:30:27.322773'), 'session_meta', NULL, NULL),
(152, '20260603_183000_51fe8c07', at('2026-06-04 18:55:50'), 'user', 'A chair for 249 euros?', NULL),
(153, '20260603_183000_51fe8c07', at('2026-06-04 18:55:50.0007'), 'assistant', 'Below the limit for small items: the whole price in the year in which you bought it.', 'stop'),
(154, '20260603_183000_51fe8c07', at('2026-06-05 19:20:31'), 'user', 'And the train card?', NULL),
(155, '20260603_183000_51fe8c07', at('2026-06-05 19:20:31.0007'), 'assistant', 'The part for the way to work; keep the bill and the days on which you went.', 'stop');
