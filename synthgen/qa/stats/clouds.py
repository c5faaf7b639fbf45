"""Distances between two clouds of feature vectors, without any pretrained network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from synthgen.geometry.arrays import F64, I64


@dataclass(frozen=True, slots=True)
class Coverage:
    """Precision, recall, density and coverage of a synthetic cloud.

    Source: Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def standardised(real: F64, synthetic: F64) -> tuple[F64, F64]:
    """Both clouds in units of the real one's spread, columns that never vary left out."""
    middle, spread = real.mean(axis=0), real.std(axis=0)
    pooled = np.where(spread > 0, spread, np.concatenate([real, synthetic]).std(axis=0))
    keep = pooled > 0
    return (
        (real[:, keep] - middle[keep]) / pooled[keep],
        (synthetic[:, keep] - middle[keep]) / pooled[keep],
    )


def mmd(
    real: F64, synthetic: F64, groups: tuple[I64, I64], permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Unbiased squared maximum mean discrepancy (RBF, median bandwidth) and its p value.

    Source: Gretton et al., A Kernel Two-Sample Test, JMLR 13 (2012), eq. 3. The p value permutes
    the labels of whole sequences, which keep their rows together.

    Args:
        real: (N, D).
        synthetic: (M, D).
        groups: Sequence of each row, counted from 0 on each side.
        permutations: Of sequence labels.
        rng: Draws them.
    """
    pooled = np.concatenate([real, synthetic])
    squared = cdist(pooled, pooled, "sqeuclidean")
    middle = np.median(squared[np.triu_indices(len(pooled), 1)])
    kernel = np.exp(-squared / max(middle, 1e-12))
    np.fill_diagonal(kernel, 0.0)
    sequence = np.concatenate([groups[0], groups[1] + groups[0].max(initial=-1) + 1])
    first = groups[0].max(initial=-1) + 1
    total = int(sequence.max(initial=-1)) + 1
    # Sums of kernel values between sequences are all that a permutation needs.
    onehot = np.zeros((len(pooled), total))
    onehot[np.arange(len(pooled)), sequence] = 1.0
    block, size = onehot.T @ kernel @ onehot, onehot.sum(axis=0)
    played = np.zeros((permutations + 1, total))
    played[0, :first] = 1.0
    for row in played[1:]:
        row[rng.permutation(total)[:first]] = 1.0
    values = _mmd_of(played, block, size)
    return float(values[0]), float(np.mean(values >= values[0] - 1e-15))


def _mmd_of(played: F64, block: F64, size: F64) -> F64:
    other = 1.0 - played
    n, m = played @ size, other @ size

    def within(part: F64, rows: F64) -> F64:
        total: F64 = np.einsum("bi,ij,bj->b", part, block, part)
        return total / np.maximum(rows * (rows - 1), 1)

    between = np.einsum("bi,ij,bj->b", played, block, other) / np.maximum(n * m, 1)
    value: F64 = within(played, n) + within(other, m) - 2 * between
    return value


def prdc(real: F64, synthetic: F64, neighbours: int = 5) -> Coverage:
    """Precision, recall, density, coverage with `neighbours` nearest neighbours."""
    real_radius = _radius(real, neighbours)
    synthetic_radius = _radius(synthetic, neighbours)
    between = cdist(real, synthetic)
    return Coverage(
        precision=float((between < real_radius[:, None]).any(axis=0).mean()),
        recall=float((between < synthetic_radius[None, :]).any(axis=1).mean()),
        density=float((between < real_radius[:, None]).sum(axis=0).mean() / neighbours),
        coverage=float((between.min(axis=1) < real_radius).mean()),
    )


def _radius(points: F64, neighbours: int) -> F64:
    own = np.partition(cdist(points, points), neighbours, axis=1)
    radius: F64 = own[:, neighbours]
    return radius


def sliced_wasserstein(
    a: F64, b: F64, rng: np.random.Generator, *, directions: int = 128, quantiles: int = 200
) -> float:
    """Mean first Wasserstein distance of the clouds over random lines through them.

    Source: Bonneel et al., Sliced and Radon Wasserstein Barycenters, JMIV 51 (2015).
    """
    lines = rng.standard_normal((a.shape[1], directions))
    lines /= np.linalg.norm(lines, axis=0)
    at = (np.arange(quantiles) + 0.5) / quantiles
    gap = np.quantile(a @ lines, at, axis=0) - np.quantile(b @ lines, at, axis=0)
    return float(np.abs(gap).mean())


def frechet(a: F64, b: F64) -> float:
    """Frechet distance of the Gaussians fitted to two clouds.

    Source: Dowson and Landau, J. Multivariate Analysis 12 (1982) 450. Only with Inception-v3
    features, which we do not have, is this number what people call FID.
    """
    cov_a, cov_b = (np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]) for x in (a, b))
    # tr((A B)^1/2) = sum of the roots of the eigenvalues of A B, which are real and not negative.
    roots = np.sqrt(np.clip(np.linalg.eigvals(cov_a @ cov_b).real, 0, None)).sum()
    middle = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return float(middle + np.trace(cov_a) + np.trace(cov_b) - 2 * roots)
