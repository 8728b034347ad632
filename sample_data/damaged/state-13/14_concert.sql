-- LN001: the row of its parent (20260602_190000_aa31f0b2) and its messages are gone.

INSERT INTO sessions (
    id, source, model, model_config, system_prompt, parent_session_id, started_at,
    message_count, tool_call_count, input_tokens, output_tokens, billing_provider,
    estimated_cost_usd, cost_status, title, api_call_count
) VALUES (
    '20260607_201500_069052', 'slack', 'example/model-1',
    '{"max_iterations": 90, "reasoning_config": null, "max_tokens": null}',
    'You are a helpful assistant.', '20260602_190000_aa31f0b2', at('2026-06-07 20:15:00'),
    14, 0, 2700, 180, 'example', 0.006, 'estimated', 'Summer concert #2', 3
);

INSERT INTO messages (id, session_id, timestamp, role, content, finish_reason) VALUES
(135, '20260607_201500_069052', at('2026-06-07 20:15:06'), 'user', 'Programme for a choir of 24, forty minutes, summer, nothing with organ.', NULL),
(136, '20260607_201500_069052', at('2026-06-07 20:15:06.0007'), 'assistant', 'Open with a madrigal, then Mendelssohn in the open air, two folk songs, and end with a canon that the audience sings.', 'stop'),
(137, '20260607_201500_069052', at('2026-06-07 20:15:06.0014'), 'user', 'The tenors are only three.', NULL),
(138, '20260607_201500_069052', at('2026-06-07 20:15:06.0021'), 'user', '[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted into this summary.
## Active Task
Find the programme of the concert.
## Done
Four parts; encore: a lullaby.

--- END OF CONTEXT SUMMARY — respond to the message below, not the summary above ---', NULL),
(139, '20260607_201500_069052', at('2026-06-07 20:15:06.0028'), 'user', 'The tenors are only three.', NULL),
(140, '20260607_201500_069052', at('2026-06-07 20:15:06.0035'), 'assistant', 'Then no divided tenors: take the Mendelssohn in the setting for four parts.', 'stop'),
(141, '20260607_201500_069052', at('2026-06-07 20:15:06.0042'), 'user', 'And an encore?', NULL),
(142, '20260607_201500_069052', at('2026-06-07 20:15:06.0049'), 'assistant', 'A lullaby, very soft, without a conductor.', 'stop'),
(143, '20260607_201500_069052', at('2026-06-07 20:15:06.0056'), 'user', 'Order of the voices on the stage?', NULL),
(144, '20260607_201500_069052', at('2026-06-07 20:15:06.0063'), 'assistant', 'Basses behind the sopranos, altos beside, tenors in the middle so that three are heard.', 'stop'),
(145, '20260607_201500_069052', at('2026-06-08 21:40:33'), 'user', 'It rains on Saturday ☔ Plan B?', NULL),
(146, '20260607_201500_069052', at('2026-06-08 21:40:33.0007'), 'assistant', 'The church next door, and the canon in the entrance hall while people come in.', 'stop'),
(147, '20260607_201500_069052', at('2026-06-10 22:10:09'), 'user', 'They loved the canon!', NULL),
(148, '20260607_201500_069052', at('2026-06-10 22:10:09.0007'), 'assistant', 'Then keep it as your signature: one canon at every door.', 'stop');
