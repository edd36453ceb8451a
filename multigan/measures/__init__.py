"""Numbers one can trust, of tensors alone: distances on embeddings, embedders, and the table."""
