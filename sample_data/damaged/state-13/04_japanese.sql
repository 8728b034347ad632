-- TR001, all messages missing: the session row is there and still counts seven.

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260516_120955_77c3d2e1', 'signal', '+4915510002', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-05-16 12:09:55'), 7, 0, 2700, 180, 'example',
    0.006, 'estimated', '日本語の勉強', 3
);
