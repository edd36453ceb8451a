"""``python -m multigan`` and the command ``multigan`` are the command line."""

from multigan.runs.signals import end_at_signals


def main() -> None:
    """Run the command line; a signal that comes while it is still being imported ends it."""
    end_at_signals()
    from multigan.cli import main as run

    run()


if __name__ == "__main__":
    main()
