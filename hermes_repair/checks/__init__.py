"""The checks of the doctor: one decorated function finds, one beside it proposes units."""
