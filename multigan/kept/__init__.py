"""A model's folder on the disk: config, weights, card. It may come from anybody, so all of it is
checked before anything is built."""
