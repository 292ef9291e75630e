"""What can go wrong with a partition. Each message says which file, what was expected, what came, what to do."""


class IngestionError(Exception):
    """A partition could not be loaded; nothing that was loaded before is changed.

    `may_pass` says whether it may go better in some minutes, with nobody doing anything about it.
    """

    may_pass = True


class NotPublishedError(IngestionError):
    """The publisher does not have the month (yet)."""

    may_pass = False


class DownloadError(IngestionError):
    """The publisher could not be reached, or answered with something else than the file."""


class UnreadableFileError(IngestionError):
    """The file is not what its publisher publishes: broken off, another format, columns missing."""

    may_pass = False


class LoadError(IngestionError):
    """The rows could not be written, or were not all there afterwards."""
