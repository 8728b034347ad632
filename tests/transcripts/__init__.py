"""Transcripts end to end: a home of real releases, damaged, brought back, read by each release."""
