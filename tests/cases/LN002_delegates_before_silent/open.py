from hermes_state import SessionDB

SessionDB().close()
