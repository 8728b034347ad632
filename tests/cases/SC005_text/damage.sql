UPDATE schema_version SET version = 'thirteen';
