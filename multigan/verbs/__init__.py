"""What a user types: each verb of the command line, as a function of the library."""
