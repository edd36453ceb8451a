"""``python -m multigan`` is the command line."""

from multigan.cli import main

if __name__ == "__main__":
    main()
