"""Sentences: token sequences from a file of lines, relaxed so that a critic's gradient reaches the
generator."""
