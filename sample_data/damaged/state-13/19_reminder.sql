-- Nothing wrong: a run of a cron job.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, started_at, ended_at, end_reason,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, api_call_count
) VALUES (
    'cron_ab12cd34ef56_20260606_070000', 'cron', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-06 07:00:00'), at('2026-06-06 07:00:40.5'),
    'cron_complete', 2, 0, 900, 60, 'example', 0.002, 'estimated', 1
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(172, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21'), 'user', 'Remind me to water the tomatoes, with a word of praise.', NULL),
(173, 'cron_ab12cd34ef56_20260606_070000', at('2026-06-06 07:00:21.0007'), 'assistant', 'Water the tomatoes this evening; they have never looked better.', 'stop');
