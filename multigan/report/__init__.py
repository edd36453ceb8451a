"""What a person looks at: grids, animations."""
