"""Models judged: real, made and trivial samples, each measured against unseen real ones."""
