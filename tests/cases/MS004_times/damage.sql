UPDATE messages SET timestamp = timestamp * 1000 WHERE session_id = 'train' AND id % 6 = 2;
UPDATE messages SET timestamp = strftime('%Y-%m-%dT%H:%M:%f+00:00', timestamp, 'unixepoch')
WHERE session_id = 'train' AND id % 6 = 3;
UPDATE messages SET timestamp = 'yesterday' WHERE session_id = 'train' AND id % 6 = 5;
