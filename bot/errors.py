"""The exception tree.

FrontdeskError                  anything raised on purpose (retrieval.errors)
├── DocumentError               a file that cannot become a document
├── SnapshotError               an index that is missing, damaged or made with another encoder
├── QueryError                  a search that makes no sense
├── ConfigError                 a setting, bot.toml, domain or prompt that is wrong: says which and how to mend it
├── CrawlError                  a site that may not or cannot be crawled
├── WeightsError                weights that are missing, cannot be fetched, or are not what the manifest says
├── MissingExtra                an optional package is not installed: names the command that installs it
├── Rejected                    something that came in is refused; the customer is told why
│   ├── TooLarge                over a size limit
│   ├── Unsupported             a media type that is not handled, or not what its name says
│   ├── Damaged                 a picture, recording or document that cannot be decoded
│   └── RateLimited             too many in too short a time; carries `retry_after` seconds
├── EngineError                 a model failed
│   ├── EngineTimeout           it did not answer in time (its worker is replaced)
│   ├── EngineUnready           it is not loaded, or was turned away from after hanging
│   └── Overloaded              its queue is full: answered as "busy"
├── ActionError                 an action did not do its work; names it, and says whether it may have
│   ├── ActionRejected          it would not run: something else may be tried
│   ├── ActionUnknown           nobody has an action of that name
│   ├── ActionFailed            it raised, or what it gave back makes no sense
│   ├── ActionTimeout           it did not finish in time
│   └── ActionUnreachable       no action server answers: nothing was sent
├── StoreError                  the database failed
│   ├── Conflict                somebody else wrote the conversation first; load it again
│   ├── LeaseLost               the lease ran out while working
│   └── NotFound                no such conversation, upload, document ...
├── DeliveryError               a platform refused or did not answer; `permanent` says whether to try again
└── Unverified                  a webhook, token or signature that is not proven: nothing is stored
"""

from retrieval.errors import DocumentError, FrontdeskError, QueryError, SnapshotError

__all__ = [
    "ActionError",
    "ActionFailed",
    "ActionRejected",
    "ActionTimeout",
    "ActionUnknown",
    "ActionUnreachable",
    "ConfigError",
    "Conflict",
    "CrawlError",
    "Damaged",
    "DeliveryError",
    "DocumentError",
    "EngineError",
    "EngineTimeout",
    "EngineUnready",
    "FrontdeskError",
    "LeaseLost",
    "MissingExtra",
    "NotFound",
    "Overloaded",
    "QueryError",
    "RateLimited",
    "Rejected",
    "SnapshotError",
    "StoreError",
    "TooLarge",
    "Unsupported",
    "Unverified",
    "WeightsError",
]


class ConfigError(FrontdeskError):
    """A setting, bot.toml, domain or prompt that is wrong. Says which one and how to mend it."""


class CrawlError(FrontdeskError):
    """A site that may not or cannot be crawled: what was kept of it stays as it is."""


class WeightsError(FrontdeskError):
    """Weights that are missing, cannot be fetched, or whose sha256 is not the manifest's (the message names both)."""


class MissingExtra(FrontdeskError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed. Install it with: pip install 'frontdesk[{extra}]'")


class Rejected(FrontdeskError):
    """Something that came in is refused; the customer is told why."""


class TooLarge(Rejected):
    """Over a size limit."""


class Unsupported(Rejected):
    """A media type that is not handled, or that is not what its name says."""


class Damaged(Rejected):
    """A picture, recording or document that cannot be decoded."""


class RateLimited(Rejected):
    """Too many in too short a time."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineError(FrontdeskError):
    """A model failed."""


class EngineTimeout(EngineError):
    """A model did not answer in time; its worker is replaced."""


class EngineUnready(EngineError):
    """A model is not loaded, or was turned away from after hanging."""


class Overloaded(EngineError):
    """A queue is full. Answered as "busy", never a hang."""


class ActionError(FrontdeskError):
    """An action did not do its work. `uncertain`: it may have been carried out all the same; never simply repeat it."""

    def __init__(self, action: str, message: str, *, uncertain: bool = False) -> None:
        super().__init__(f"{action}: {message}")
        self.action = action
        self.uncertain = uncertain


class ActionRejected(ActionError):
    """An action would not run (rasa-sdk's ActionExecutionRejection): something else may be tried."""


class ActionUnknown(ActionError):
    """Nobody has an action of that name."""


class ActionFailed(ActionError):
    """An action raised, or what it gave back makes no sense."""


class ActionTimeout(ActionError):
    """An action did not finish in time."""


class ActionUnreachable(ActionError):
    """No action server answers: nothing was sent."""


class StoreError(FrontdeskError):
    """The database failed."""


class Conflict(StoreError):
    """Somebody else wrote the conversation first: load it again and redo the work."""


class LeaseLost(StoreError):
    """The lease on a conversation ran out while it was being worked on."""


class NotFound(StoreError):
    """No such conversation, upload or document."""


class DeliveryError(FrontdeskError):
    """A platform refused a reply or did not answer. `permanent` means that trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Unverified(FrontdeskError):
    """A webhook, token or signature that is not proven. Nothing of it is stored."""
