"""Pictures of many samples: grids and films."""
