"""What the report on a meta-analysis has besides: heterogeneity, predictions, true effects, influence."""
