"""One record for each loss."""
