import numpy as np
from tests.posterior.designs import design

from laird.posterior import centring, coefficient_prior, prior_table
from laird.spec.terms import Prior


def test_normal_and_flat_are_integrated_and_others_sampled():
    priors = [
        Prior("x1", "flat"),
        Prior("x2", "student_t", (4, 0, 1)),
        Prior("Intercept", "normal", (2, 0.5)),
    ]
    mean, precision, sampled = coefficient_prior(prior_table(priors, design()))
    assert mean.tolist() == [2, 0, 0]
    assert precision.tolist() == [4, 0, 0]
    assert sampled == (2,)


def test_all_flat_has_no_precision():
    _, precision, sampled = coefficient_prior(prior_table([Prior("*", "flat")], design()))
    assert not precision.any()
    assert sampled == ()


def test_centred_columns_have_mean_zero_and_the_same_fitted_values():
    X, gamma = design().X, np.array([1.0, -2.0, 0.3])
    T = centring(X)
    # Column means of 40 numbers near 3: rounding only.
    np.testing.assert_allclose((X @ T)[:, 1:].mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(X @ (T @ gamma), (X @ T) @ gamma, rtol=1e-12)


def test_no_column_of_ones_means_no_centring():
    assert np.array_equal(centring(design(intercept=False).X), np.eye(2))
