"""Designs of every structure, and points of a graph that are points of its density without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.posterior.designs import design, two_outcomes

from laird.design import KnownBlock, KnownDesign, RandomDesign, RhoDesign, ScaleDesign
from laird.gaussian.likelihoods import bind
from laird.posterior import coefficient_prior, prior_table
from laird.posterior.density import Posterior, posterior
from laird.posterior.names import group_names, identifier
from laird.posterior.structure import structure

N = 40
RNG = np.random.default_rng(11)
X = RNG.normal(2.0, 1.5, N)
ONE_X = np.column_stack([np.ones(N), X])


def levels(ids):
    return tuple(map(str, range(ids.max() + 1)))


def with_factors(*ids):
    """One random intercept for every grouping of the rows."""
    random = tuple(
        RandomDesign(
            f"g{k}", tuple(map(str, range(own.max() + 1))), own, np.ones((N, 1)), ("Intercept",), ((0,),)
        )
        for k, own in enumerate(ids)
    )
    return replace(design(q=0), random=random)


def known(blocks=(), proportional=False):
    return KnownDesign("V", proportional, np.linspace(0.2, 2.0, N), blocks)


def block(*rows):
    rows = np.array(rows)
    half = RNG.normal(size=(len(rows), 5))
    return KnownBlock(rows, np.diag(np.linspace(0.2, 2.0, N)[rows]) + 0.05 * half @ half.T)


def with_blocks(base, *blocks, proportional=False):
    """A design with V of these blocks; the variances are the blocks' own."""
    variances = np.linspace(0.2, 2.0, N)
    for own in blocks:
        variances[own.rows] = np.diag(own.V)
    return replace(base, known=KnownDesign("V", proportional, variances, blocks))


def three_outcomes(n=16):
    rng = np.random.default_rng(4)
    units = np.repeat(np.arange(n), 3)[2:-1]
    which = np.tile(np.arange(3), n)[2:-1]
    y = rng.normal(size=len(units)) * np.array([1.0, 4.0, 0.5])[which] + np.array([0.0, 10.0, -3.0])[which]
    X = np.eye(3)[which]
    names = ("a", "b", "c")
    scales = tuple(
        ScaleDesign("sigma", name, X[:, [k]], (f"{name}: Intercept",)) for k, name in enumerate(names)
    )
    one = np.ones((len(units), 1))
    x = rng.normal(size=n)[units][:, None]
    rhos = (
        RhoDesign((0, 1), one, ("Intercept",)),
        RhoDesign((1, 2), np.hstack([one, x]), ("Intercept", "x")),
    )
    return replace(
        two_outcomes(),
        y=y,
        X=X,
        names=tuple(f"{name}: Intercept" for name in names),
        rows=units,
        scales=scales,
        outcomes=names,
        which=which.astype(np.int64),
        units=units,
        rhos=rhos,
    )


ROWS = np.arange(N)
SIGMA_X = ScaleDesign("sigma", "", ONE_X, ("Intercept", "x"))
NO_SIGMA = ScaleDesign("sigma", "", np.zeros((N, 0)), ())
SD_X = ScaleDesign(
    "sd", "school", np.column_stack([np.ones(N), np.arange(6.0)[design().random[0].ids]]), ("Intercept", "z")
)

STRUCTURES = {
    "crossed": with_factors(ROWS % 7, ROWS // 8),
    "nested": with_factors(ROWS // 4, ROWS // 20),
    "sigma by x": replace(design(q=2), scales=(SIGMA_X,)),
    "group sd by z": replace(design(q=2), scales=(SD_X,)),
    "known variances": replace(design(q=1), known=known()),
    "sigma by x, known variances": replace(design(q=0), known=known(), scales=(SIGMA_X,)),
    "no sigma": replace(design(q=1), known=known(), scales=(NO_SIGMA,)),
    "proportional": replace(design(q=0), known=known(proportional=True)),
    "blocks within groups": with_blocks(with_factors(ROWS // 4), block(0, 2), block(4, 5, 7)),
    "blocks across groups": with_blocks(design(q=1), block(0, 7, 19), block(1, 30), proportional=True),
    "two outcomes": two_outcomes(),
    "three outcomes": three_outcomes(),
}


def target_of(d, table) -> Posterior:
    return posterior(bind(structure(d), *coefficient_prior(table)), table)


def defaults(d):
    return prior_table([], d)


def point_of(graph, d, target: Posterior, phi) -> tuple[dict, np.ndarray, list[int]]:
    """Values of the graph's variables at phi, dx/dphi, and which element of phi each of them is."""
    places = _places(d, target)
    point, order = {}, []
    stretch = np.ones(len(phi))
    for name, start in graph.initial_point(random_seed=0).items():
        base = name.removesuffix("_log__").removesuffix("_interval__")
        if base not in places:
            point[name] = np.asarray(start)
            continue
        at = places[base]
        if name.endswith("_interval__"):
            stretch[at] = 2.0
        elif not name.endswith("_log__"):
            stretch[at] = [
                1.0 / target.coordinates.rows[k].unit if base != "beta_sampled" else 1.0 for k in at
            ]
        point[name] = np.reshape((phi * stretch)[at], np.shape(start))
    for value in graph.continuous_value_vars:
        base = value.name.removesuffix("_log__").removesuffix("_interval__")
        order += places.get(base, [-1] * np.size(point[value.name]))
    return point, stretch, order


def _places(d, target: Posterior) -> dict[str, list[int]]:
    """Elements of phi by the name of their variable in a graph."""
    places: dict[str, list[int]] = {}
    groups = {random.group: group_names(random) for random in d.random}
    pairs = target.coordinates.places.sds
    for random in d.random:
        own = sum(len(b) * (len(b) - 1) // 2 for b in random.blocks)
        if own:
            places[groups[random.group].partial] = list(range(pairs, pairs + own))
        pairs += own
    for k, row in enumerate(target.coordinates.rows):
        if row is None:
            continue
        suffix = "_" + row.group.replace(", ", "_") if row.group else ""
        name = {
            "sd": lambda row: groups[row.group].sd,
            "log_sd": lambda row: "log_" + groups[row.group].sd,
            "coefficient": lambda _: "beta_sampled",
        }.get(row.kind, lambda row, suffix=suffix: identifier(row.kind + suffix))(row)
        places.setdefault(name, []).append(k)
    return places
