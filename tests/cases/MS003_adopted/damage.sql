DELETE FROM sessions WHERE id = 'gone';
