-- A run of a cron job.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, api_call_count
) VALUES (
    'cron_77fe10aa21bc_20260616_063000', 'cron', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-16 06:30:00'), at('2026-06-16 06:30:31.5'),
    'cron_complete', 2, 0, 900, 60, 'example', 0.002, 'estimated', 1
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(58, 'cron_77fe10aa21bc_20260616_063000', at('2026-06-16 06:30:15'), 'user', 'One good thing about today.', NULL),
(59, 'cron_77fe10aa21bc_20260616_063000', at('2026-06-16 06:30:15.0007'), 'assistant', 'The swifts are back.', 'stop');
