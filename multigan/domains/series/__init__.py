"""Series: several channels measured step by step, from CSV files or made of sinusoids."""
