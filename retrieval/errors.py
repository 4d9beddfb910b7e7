"""The root of the exception tree (the rest of it is drawn in `bot.errors`).

Every error that a person can mend says what was wrong and what to do, in words that can be shown as they are.
"""


class FrontdeskError(Exception):
    """Anything that Frontdesk raises on purpose."""


class DocumentError(FrontdeskError):
    """A file that cannot become a document: broken, too large, of an unknown type or audience. It names the file."""


class SnapshotError(FrontdeskError):
    """An index that is missing, damaged, or was made with another encoder than the one asked to search it."""


class QueryError(FrontdeskError):
    """A search that makes no sense: an unknown collection, k below one, a file of queries with a broken line."""
