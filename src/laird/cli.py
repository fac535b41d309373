"""The command ``laird``: from a model file to a fit or a report.

Nothing heavy is imported before it is needed: a REML fit waits for no sampler.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laird.errors import DataError, FitError, LairdError, LairdWarning, SpecError, nearest

if TYPE_CHECKING:
    from laird.bound import Model
    from laird.fitting.result import Fit
    from laird.report.progress import Step
    from laird.spec import Spec

BAD_INPUT, INTERRUPTED = 2, 130
_DEFAULT = "default: %(default)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 2 for bad input, 130 when interrupted.

    Examples
    --------
    >>> main(["fit", "hs_oneway_anova", "--method", "reml"])
    mathach ~ 1 + (1 | school)
    ...
    0
    """
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = given.command
    try:
        with _plain_warnings():
            command(given)
    except LairdError as error:
        print(f"laird: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="laird", description="Hierarchical models: one text, every method.")
    parser.add_argument("--version", action="version", version=f"laird {version('laird')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_report(commands)
    _add_fit(commands)
    words = "List the model files that come with laird."
    models = commands.add_parser("models", help="list the bundled models", description=words)
    models.set_defaults(command=_list_models)
    return parser


def _add_report(commands: Any) -> None:
    words = "Fit a model by several methods and write a report, one HTML file."
    parser = commands.add_parser("report", help="fit by several methods, write a report", description=words)
    _add_model(parser)
    parser.add_argument("-o", "--output", default="report.html", metavar="FILE", help=_DEFAULT)
    methods = "of ols, ml, reml, eb, nuts; default: reml,eb,nuts, and ols where it applies; nuts of families"
    parser.add_argument("--methods", metavar="LIST", help=methods)
    _add_sampling(parser)
    parser.add_argument("--notation", default="bryk-raudenbush", help=f"of the equations; {_DEFAULT}")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(command=_report)


def _add_fit(commands: Any) -> None:
    words = "Fit a model by one method and print it."
    parser = commands.add_parser("fit", help="fit by one method, print it", description=words)
    _add_model(parser)
    method = "ols, ml, reml, eb or nuts; default: reml, or nuts where families are not normal"
    parser.add_argument("--method", help=method)
    parser.add_argument("--prob", type=float, default=0.95, help=f"of the intervals; {_DEFAULT}")
    _add_sampling(parser)
    parser.set_defaults(command=_fit)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a model file (TOML), or the name of a bundled model")
    parser.add_argument("--data", metavar="FILE.csv", help="default: the data that the model file names")


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--draws", type=int, default=1000, help=f"of a NUTS chain; {_DEFAULT}")
    parser.add_argument("--chains", type=int, default=4, help=f"of NUTS; {_DEFAULT}")
    parser.add_argument("--seed", type=int, default=1, help=f"of eb and nuts; {_DEFAULT}")


def _list_models(_: argparse.Namespace) -> None:
    from laird.spec import read_spec

    found = bundled_models()
    width = max(map(len, found))
    for name, path in found.items():
        print(f"{name:<{width}}  {read_spec(path).title}")


def _fit(given: argparse.Namespace) -> None:
    _check_probability(given.prob)
    model = _model(given)
    fit = _fit_by(model, given.method or ("nuts" if model.spec.families else "reml"), given)
    print(fit.text(given.prob))


def _report(given: argparse.Namespace) -> None:
    from laird.report.progress import progress
    from laird.spec import read_spec

    spec, output = read_spec(spec_path(given.spec)), _output(given.output)
    methods = _methods(given.methods) if given.methods else default_methods(spec)
    with progress(len(methods) + 2, quiet=given.quiet) as step:
        with step("Read the model and its data"):
            model = _bound(spec, given)
            model.equations(given.notation)
        fits = [_timed_fit(model, method, given, step) for method in methods]
        with step("Write the report"):
            from laird.report import comparison_text, write_report

            write_report(model, fits, output, command=_command(given, methods), notation=given.notation)
    print(comparison_text(fits))
    print(f"\nReport: {output}")


def _timed_fit(model: Model, method: str, given: argparse.Namespace, step: Step) -> Fit:
    from laird.report.study import LONG

    with step(f"Fit by {LONG[method]}"):
        return _fit_by(model, method, given)


def _fit_by(model: Model, method: str, given: argparse.Namespace) -> Fit:
    options: dict[str, dict[str, object]] = {
        "eb": {"random_seed": given.seed},
        "nuts": {"draws": given.draws, "chains": given.chains, "random_seed": given.seed, "progress": False},
    }
    return model.fit(method, **options.get(method, {}))  # type: ignore[arg-type]


def _model(given: argparse.Namespace) -> Model:
    from laird.spec import read_spec

    return _bound(read_spec(spec_path(given.spec)), given)


def _bound(spec: Spec, given: argparse.Namespace) -> Model:
    from laird.bound import model

    return model(spec, data=_read_csv(given.data) if given.data else None)


def default_methods(spec: Spec) -> tuple[str, ...]:
    """Return the methods of a report: least squares only where all rows have one variance.

    Of families that are not normal NUTS alone.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> default_methods(parse_spec("y ~ x + (1 | g)")), default_methods(parse_spec("y ~ x + meta_V(v)"))
    (('ols', 'reml', 'eb', 'nuts'), ('reml', 'eb', 'nuts'))
    >>> default_methods(parse_spec("y ~ x + (1 | g)", families={"g": "t"}))
    ('nuts',)
    """
    if spec.families:
        return ("nuts",)
    (first, *others) = spec.locations
    unequal = others or spec.weights or first.known
    return (*(() if unequal else ("ols",)), "reml", "eb", "nuts")


def _read_csv(path: str) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"The data file `{path}` cannot be read: {error}.") from None


def bundled_models() -> dict[str, Path]:
    """Return the bundled model files by name: of the package, or of the checkout that it runs from.

    Examples
    --------
    >>> "hs_contextual" in bundled_models()
    True
    """
    package = Path(str(files("laird")))
    folder = next(f for f in (package / "models", package.parents[1] / "models") if f.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def spec_path(name: str) -> Path:
    """Return the file called `name`, or the bundled model of that name.

    Raises
    ------
    SpecError
        There is neither.
    """
    path, bundled = Path(name), bundled_models()
    if path.exists() or name not in bundled:
        if not path.exists() and not path.suffix:
            raise SpecError(
                f"There is no model file and no bundled model `{name}`.",
                allowed=nearest(name, bundled),
                remedy="`laird models` lists the bundled ones.",
            )
        return path
    return bundled[name]


def _methods(text: str) -> tuple[str, ...]:
    from laird.bound import METHODS

    methods = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in methods or (text,):
        if name not in METHODS:
            raise FitError(f"Unknown method {name!r}.", allowed=f"Allowed: {', '.join(METHODS)}.")
    return methods


def _output(name: str) -> Path:
    """The path of the report, checked before anything is fitted."""
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        raise LairdError(
            f"The report cannot be written to `{name}`: {'it' if path.is_dir() else 'its folder'} "
            f"{'is a folder' if path.is_dir() else 'does not exist'}.",
            remedy="Name a file in an existing folder with `-o`.",
        )
    return path


def _check_probability(prob: float) -> None:
    if not 0.0 < prob < 1.0:
        raise FitError(f"--prob {prob} is not a probability.", allowed="Allowed: 0 < prob < 1.")


def _command(given: argparse.Namespace, methods: Sequence[str]) -> str:
    """The command that makes the same report, with everything that numbers depend on."""
    words = ["laird", "report", given.spec, "-o", given.output]
    words += ["--data", given.data] if given.data else []
    words += ["--methods", ",".join(methods)]
    words += ["--draws", given.draws, "--chains", given.chains, "--seed", given.seed]
    words += ["--notation", given.notation]
    return shlex.join(map(str, words))


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show laird's warnings as notes, without the line of code that raised them."""

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if issubclass(category, LairdWarning):
            print(f"Note: {message}", file=sys.stderr)
        else:
            usual(message, category, *rest, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", LairdWarning)
        usual, warnings.showwarning = warnings.showwarning, show
        yield
