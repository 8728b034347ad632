DELETE FROM sessions WHERE id = 'garden-2';
