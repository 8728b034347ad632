-- A chat whose compression was killed a moment ago (see 03_locks.sql).

INSERT INTO sessions (
    id, source, user_id, model, model_config, system_prompt, started_at, message_count,
    tool_call_count, input_tokens, output_tokens, billing_provider, estimated_cost_usd,
    cost_status, title, api_call_count
) VALUES (
    '20260611_143000_0b5e7f3c', 'telegram', '4711501', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', at('2026-06-11 14:30:00'), 7, 0, 2700, 180, 'example',
    0.006, 'estimated', 'Practise for the interview', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(8, '20260611_143000_0b5e7f3c', at('2026-06-11 14:30:26'), 'user', 'Ask me five questions as for a job at a library.', NULL),
(9, '20260611_143000_0b5e7f3c', at('2026-06-11 14:30:26.0007'), 'assistant', 'First: a child cries because a book is lent out. What do you do?', 'stop'),
(10, '20260611_143000_0b5e7f3c', at('2026-06-11 14:30:26.342109'), 'session_meta', NULL, NULL),
(11, '20260611_143000_0b5e7f3c', at('2026-06-11 14:36:02'), 'user', 'I show where its friends stand on the shelf and note the wish.', NULL),
(12, '20260611_143000_0b5e7f3c', at('2026-06-11 14:36:02.0007'), 'assistant', 'Good, and concrete. Second: two readers quarrel about a seat ...', 'stop'),
(13, '20260611_143000_0b5e7f3c', at('2026-06-13 16:11:48'), 'user', '다음 질문은 한국어로 해 주세요.', NULL),
(14, '20260611_143000_0b5e7f3c', at('2026-06-13 16:11:48.0007'), 'assistant', '좋아요. 세 번째 질문: 하루에 책을 몇 권 정리할 수 있습니까?', 'stop');
