"""Pictures: folders, zips, idx files and named datasets; MLP and DCGAN networks."""
