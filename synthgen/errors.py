"""Every error synthgen raises on purpose.

SynthgenError
├── ConfigError          a file or argument the user can mend (exit code 2)
│   └── DatasetError     a dataset, clip or foreign file that cannot be read (exit code 2)
├── OutputError          the disk, its space or its permissions (exit code 4 where it can go on)
├── SimulatorError       the simulator or the way to it; the only kind that is retried
│   ├── SimulatorLost    it died, hung or answered nonsense
│   ├── SimulatorVersionError  it is not the version the client needs (not retried)
│   └── SensorFault      a frame was late, missing, double or sick
├── ScenarioRejected     a draw in which the edge case did not happen; not a failure
└── InternalError        our bug (exit code 70)
"""

from __future__ import annotations


class SynthgenError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 70


class ConfigError(SynthgenError):
    """A file or an argument that the user can mend."""

    exit_code = 2


class DatasetError(ConfigError):
    """A dataset, clip or foreign file that cannot be read."""


class OutputError(SynthgenError):
    """The output folder cannot be written; the run can go on with `--resume` afterwards."""

    exit_code = 4


class SimulatorError(SynthgenError):
    """The simulator failed; the work may be tried again on a fresh one."""

    exit_code = 1


class SimulatorLost(SimulatorError):
    """The simulator died, hung or answered nonsense."""


class SimulatorVersionError(SimulatorError):
    """The simulator is not the version the client needs."""

    exit_code = 2


class SensorFault(SimulatorError):
    """A measurement was late, missing, double or sick."""


class ScenarioRejected(SynthgenError):
    """The edge case did not happen in this draw; another draw is tried."""

    exit_code = 1


class InternalError(SynthgenError):
    """Our own bug."""
