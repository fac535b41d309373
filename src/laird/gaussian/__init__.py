"""Arrays -> arrays: the marginal Gaussian likelihood, its gradient, estimates and exact draws."""
