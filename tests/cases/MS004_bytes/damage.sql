UPDATE messages SET content = CAST(content AS BLOB) WHERE session_id = 'text' AND role = 'user';
UPDATE messages SET content = x'ffd8ffe000104a46' WHERE session_id = 'picture' AND content = 'Good.';
