"""The errors a user can cause; the command line prints them without a traceback and exits 2."""


class UserError(ValueError):
    """A mistake in a recipe, a path or an option; the message names it and says what to do."""


class RecipeError(UserError):
    """A recipe that cannot be right: an unknown key, a wrong type or an impossible value."""


class DataError(UserError):
    """Data that cannot be found, read or used."""


class CheckpointError(UserError):
    """A run or model folder that cannot be resumed or loaded."""


class AbsentError(CheckpointError):
    """A folder without a model, or with one that its files alone do not make."""


class DiskError(UserError, OSError):
    """A file that cannot be written: the disk is full, a quota is reached, or it is not allowed."""
