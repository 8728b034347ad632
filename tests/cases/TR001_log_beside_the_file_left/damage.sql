DELETE FROM messages WHERE content IN ('Who is invited?', 'Eleven people.');
UPDATE sessions SET message_count = message_count - 2;
