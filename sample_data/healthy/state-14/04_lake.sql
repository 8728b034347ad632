-- Closed by a compression, and continued once.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, ended_at,
    end_reason, message_count, tool_call_count, input_tokens, output_tokens,
    billing_provider, estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260611_200000_c0de12aa', 'telegram', '5100002', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-11 20:00:00'),
    at('2026-06-16 20:29:59.9995'), 'compression', 7, 0, 2700, 180, 'example', 0.006,
    'estimated', 'Cycling round the lake', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(22, '20260611_200000_c0de12aa', at('2026-06-11 20:00:25'), 'user', 'Three days round Lake Constance with a trailer?', NULL),
(23, '20260611_200000_c0de12aa', at('2026-06-11 20:00:25.0007'), 'assistant', 'Three times 70 km, flat, all on bike paths: Konstanz, Friedrichshafen, Arbon, Konstanz.', 'stop'),
(24, '20260611_200000_c0de12aa', at('2026-06-11 20:00:25.32223'), 'session_meta', NULL, NULL),
(25, '20260611_200000_c0de12aa', at('2026-06-13 07:40:10'), 'user', 'Ferries?', NULL),
(26, '20260611_200000_c0de12aa', at('2026-06-13 07:40:10.0007'), 'assistant', 'Konstanz to Meersburg every quarter of an hour, bikes with trailers pay one ticket more.', 'stop'),
(27, '20260611_200000_c0de12aa', at('2026-06-15 21:15:48'), 'user', 'Where do we sleep in Friedrichshafen?', NULL),
(28, '20260611_200000_c0de12aa', at('2026-06-15 21:15:48.0007'), 'assistant', 'The camp site at the mouth of the Rotach takes cyclists without a booking.', 'stop');
