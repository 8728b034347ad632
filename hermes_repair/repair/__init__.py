"""From findings to a plan, and from a plan into state.db: the only writer of it."""
