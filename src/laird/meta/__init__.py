"""What a meta-analysis starts from: effect sizes with sampling variances, and sampling covariances.

Arrays only: nothing here knows of models or fits.
"""
