"""The checks of the doctor: a decorated function yields findings, each with what mends it."""
