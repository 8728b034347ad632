-- A session of the command line, with a delegate.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260615_090000_e59a01', 'cli', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-15 09:00:00'), at('2026-06-15 09:10:00.25'),
    'cli_close', 4, 0, 1800, 120, 'example', 0.004, 'estimated', 'Links in the handbook', 2
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(50, '20260615_090000_e59a01', at('2026-06-15 09:00:19'), 'user', 'Are there dead links in docs/?', NULL),
(51, '20260615_090000_e59a01', at('2026-06-15 09:00:19.0007'), 'assistant', 'I let a helper try them all.', 'stop'),
(56, '20260615_090000_e59a01', at('2026-06-15 09:04:55'), 'user', 'Fix it.', NULL),
(57, '20260615_090000_e59a01', at('2026-06-15 09:04:55.0007'), 'assistant', 'It pointed to a page that moved; the new address is in.', 'stop');
