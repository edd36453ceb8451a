"""Numbers one can trust: distribution measures on embeddings, always beside their floor and a trivial row."""
