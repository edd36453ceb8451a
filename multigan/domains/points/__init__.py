"""Points in the plane: mixtures whose truth is known, to prove and to show the game."""
