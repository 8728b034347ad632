-- What a torn write leaves: one turn of six, and the count of all.
DELETE FROM messages WHERE id NOT IN (SELECT id FROM messages ORDER BY id LIMIT 2);
