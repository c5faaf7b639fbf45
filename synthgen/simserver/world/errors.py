"""What a client is told when a call cannot be done; the text is the client's RuntimeError."""


class CallError(Exception):
    """The call failed for a reason that the caller can understand."""


class UnsupportedError(CallError):
    """The call asks for what this server does not have; the log says so too.

    Clients do not look at the answer of a call that they do not wait for.
    """


class UnknownActorError(CallError):
    """The actor does not exist (any more)."""

    def __init__(self, actor_id: int) -> None:
        super().__init__(f"unable to find actor {actor_id}: it does not exist or was destroyed")


class SpawnError(CallError):
    """The actor cannot be spawned there or so."""


SPAWN_COLLISION = "Spawn failed because of collision at spawn position"
