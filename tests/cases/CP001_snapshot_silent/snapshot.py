from hermes_cli.backup import create_quick_snapshot

assert create_quick_snapshot("pre-update")
