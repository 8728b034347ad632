UPDATE sessions SET end_reason = 'cli_close';
