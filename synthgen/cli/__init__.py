"""The command line: each verb parses, builds one config and calls one function."""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from typing import Annotated, Final

import typer

from synthgen import __version__
from synthgen.cli import bench, dataset, host, quality, regression, scenario
from synthgen.cli.options import FOR_THE_SERVER
from synthgen.errors import ConfigError, SynthgenError

EXIT_BUG: Final = 70
# A path that the user gave leads nowhere, or to where he may not go.
_BAD_PATH: Final = (errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG, errno.EPERM, errno.EROFS)
EXIT_INTERRUPTED: Final = 130

app = typer.Typer(
    name="synthgen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"synthgen {__version__}\n")
        raise typer.Exit


@app.callback()
def synthgen(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Scenario YAML in, labelled driving dataset out, through the real CARLA client."""


for _panel, _verbs in {
    "Make datasets": (dataset.plan, dataset.generate, dataset.replay, dataset.relabel),
    "Use them": (dataset.info, dataset.view, dataset.export),
    "Judge them": (quality.audit, quality.compare, quality.probe, quality.fit, quality.mine),
    "Pin them": (regression.lock, regression.verify, regression.diff),
    "This machine": (host.doctor,),
}.items():
    for _verb in _verbs:
        app.command(rich_help_panel=_panel)(_verb)
app.command(rich_help_panel="This machine", add_help_option=False, context_settings=FOR_THE_SERVER)(
    host.serve
)
app.add_typer(scenario.app, name="scenario", rich_help_panel="Make datasets")
app.add_typer(bench.app, name="bench", rich_help_panel="This machine")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        result = app(arguments, standalone_mode=False)
    except SynthgenError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code
    except typer.Exit as err:
        return int(err.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        return EXIT_INTERRUPTED
    except OSError as err:
        if err.errno not in _BAD_PATH or err.filename is None:
            return _unexpected(err)
        sys.stderr.write(f"{err.filename}: {err.strerror}\n")
        return ConfigError.exit_code
    except Exception as err:  # noqa: BLE001 - the last resort: our bug, with its traceback.
        return _unexpected(err)
    return result if isinstance(result, int) else 0


def _unexpected(err: Exception) -> int:
    """A usage error as click words it, or a bug."""
    show = getattr(err, "show", None)
    if show is not None:
        show()
        return int(getattr(err, "exit_code", 2))
    traceback.print_exception(err)
    sys.stderr.write("this is a bug of synthgen; please report it with the lines above\n")
    return EXIT_BUG
