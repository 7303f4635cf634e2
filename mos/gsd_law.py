"""The generalised score distribution on M categories: its probabilities and its fit.

Source: Nawala, Janowski, Cmiel, Rusek, Perez, "Generalized score distribution: a two-parameter discrete distribution
accurately describing responses from quality of experience subjective experiments", IEEE TMM 2023, for any M.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import comb

from mos.votes import Floats

EDGE = 1e-9
PSI_STEPS = 10
RHO_GRID = np.unique(np.concatenate([np.linspace(0.02, 0.98, 33), [0.001, 0.005, 0.01, 0.99, 0.995, 1.0]]))
ROWS = 4000


def gsd_probabilities(psi: Floats, rho: Floats, m: int) -> Floats:
    """P(1..m) `(..., m)` for mean `psi` in 1..m and confidence `rho` in 0..1 of any equal shapes.

    The variance is rho Vmin + (1 - rho) Vmax between the least and the largest that mean psi allows.
    """
    psi, rho = np.broadcast_arrays(np.clip(psi, 1 + EDGE, m - EDGE), np.clip(rho, EDGE, 1.0))
    low = (np.ceil(psi) - psi) * (psi - np.floor(psi))
    high = (psi - 1) * (m - psi)
    border = (m - 2) / (m - 1) * high / (high - low)
    wide = _beta_binomial(psi, np.minimum(rho, border), border, m)
    narrow = _mixture(psi, np.maximum(rho, border), border, m)
    return np.where((rho < border)[..., None], wide, narrow)


def _beta_binomial(psi: Floats, rho: Floats, border: Floats, m: int) -> Floats:
    a, b, d = (psi - 1) * rho / (m - 1), (m - psi) * rho / (m - 1), np.maximum(border - rho, 0.0)
    steps = np.arange(m - 1)
    up = _running(a[..., None] + steps * d[..., None])
    down = _running(b[..., None] + steps * d[..., None])[..., ::-1]
    whole = np.prod(rho[..., None] + steps * d[..., None], axis=-1)
    return np.asarray(comb(m - 1, np.arange(m)) * up * down / whole[..., None], float)


def _running(factors: Floats) -> Floats:
    """Products of the first 0, 1, ... factors."""
    out = np.ones((*factors.shape[:-1], factors.shape[-1] + 1))
    np.cumprod(factors, axis=-1, out=out[..., 1:])
    return out


def _mixture(psi: Floats, rho: Floats, border: Floats, m: int) -> Floats:
    k = np.arange(1, m + 1)
    part = np.divide(rho - border, 1 - border, out=np.ones_like(rho), where=border < 1 - 1e-12)[..., None]
    tent = np.maximum(1 - np.abs(k - psi[..., None]), 0.0)
    chance = ((psi - 1) / (m - 1))[..., None]
    binomial = comb(m - 1, k - 1) * chance ** (k - 1) * (1 - chance) ** (m - k)
    return np.asarray(part * tent + (1 - part) * binomial, float)


@lru_cache(maxsize=4)
def _grid(m: int) -> tuple[Floats, Floats, Floats]:
    """A grid of psi and rho, and the log-probabilities `(m, points)`."""
    psi, rho = np.meshgrid(np.linspace(1, m, (m - 1) * PSI_STEPS + 1), RHO_GRID, indexing="ij")
    flat_psi, flat_rho = psi.ravel(), rho.ravel()
    return flat_psi, flat_rho, _log(gsd_probabilities(flat_psi, flat_rho, m)).T


def _log(p: Floats) -> Floats:
    return np.log(np.maximum(p, 1e-300))


def gsd_fit(counts: Floats, zooms: int = 30) -> tuple[Floats, Floats]:
    """Maximum likelihood psi and rho `(J,)` of histograms `(J, m)`: a grid, then `zooms` halvings around the best point."""
    m = counts.shape[1]
    grid_psi, grid_rho, table = _grid(m)
    psi, rho = np.empty(len(counts)), np.empty(len(counts))
    for start in range(0, len(counts), ROWS):
        part = counts[start : start + ROWS]
        best = np.argmax(part @ table, axis=1)
        psi[start : start + ROWS], rho[start : start + ROWS] = _zoomed(part, grid_psi[best], grid_rho[best], zooms)
    return psi, rho


def _zoomed(counts: Floats, psi: Floats, rho: Floats, zooms: int) -> tuple[Floats, Floats]:
    m, rows = counts.shape[1], np.arange(len(counts))
    across, along = (a.ravel() for a in np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]))
    size = np.full((len(counts), 1), 0.5)
    for _ in range(zooms):
        near_psi = np.clip(psi[:, None] + size / PSI_STEPS * across, 1, m)
        near_rho = np.clip(rho[:, None] + size * 0.03 * along, EDGE, 1)
        gain = np.einsum("jgm,jm->jg", _log(gsd_probabilities(near_psi, near_rho, m)), counts)
        gain[:, 4] += 1e-12
        best = np.argmax(gain, axis=1)
        psi, rho = near_psi[rows, best], near_rho[rows, best]
        size = np.where((best == 4)[:, None], size * 0.5, size)
    return psi, rho


def g_statistic(counts: Floats, p: Floats) -> Floats:
    """G = 2 sum n ln(n / (N p)) of histograms `(..., m)` against probabilities `(..., m)`."""
    expected = counts.sum(-1, keepdims=True) * np.maximum(p, 1e-300)
    terms = np.where(counts > 0, counts * np.log(np.where(counts > 0, counts, 1.0) / expected), 0.0)
    return np.asarray(np.maximum(2 * terms.sum(-1), 0.0), np.float64)
