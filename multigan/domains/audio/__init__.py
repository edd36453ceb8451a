"""Sounds: clips of one length, made through log-mel spectrograms or by a vocoder."""
