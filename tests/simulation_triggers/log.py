"""What the callers of a trigger know: which calls were answered 204, which were refused, of which they know nothing."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Log:
    """Call ids by what their sender was told. `acked` has the trigger of each, `repeated` the call that a 204 named although
    another call was sent; `discarded` were thrown away by somebody's explicit wish."""

    acked: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    repeated: dict[str, str] = field(default_factory=dict)
    discarded: set[str] = field(default_factory=set)
