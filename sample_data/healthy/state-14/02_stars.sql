-- The same to the message in SQLite and in its transcript.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260521_220500_e6b58de7', 'discord', '77012', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-21 22:05:00'), 7, 1, 2700, 180, 'example',
    0.006, 'estimated', '星を見る夜', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(6, '20260521_220500_e6b58de7', at('2026-05-21 22:05:31'), 'user', '今夜、双眼鏡で何が見えますか。', NULL),
(9, '20260521_220500_e6b58de7', at('2026-05-21 22:05:31.0021'), 'assistant', '半月のクレーター、かに座のM44、そしてヘルクレス座のM13が見えます。🔭', 'stop'),
(10, '20260521_220500_e6b58de7', at('2026-05-21 22:05:31.324484'), 'session_meta', NULL, NULL),
(11, '20260521_220500_e6b58de7', at('2026-05-22 22:48:10'), 'user', 'M13 found! A grey wool ball.', NULL),
(12, '20260521_220500_e6b58de7', at('2026-05-22 22:48:10.0007'), 'assistant', 'That is it: some hundred thousand suns.', 'stop');

INSERT INTO messages (id, session_id, timestamp, role, content, tool_call_id, tool_calls, finish_reason) VALUES
(7, '20260521_220500_e6b58de7', at('2026-05-21 22:05:31.0007'), 'assistant', '', NULL, '[{"id": "call_stars_1", "call_id": "call_stars_1", "response_item_id": "fc_stars_1", "type": "function", "function": {"name": "web_search", "arguments": "{\"query\": \"sky tonight binoculars may\"}"}}]', 'tool_calls'),
(8, '20260521_220500_e6b58de7', at('2026-05-21 22:05:31.0014'), 'tool', 'moon: first quarter; M44; M13', 'call_stars_1', NULL, NULL);
