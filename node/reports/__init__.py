"""What units say of longer periods: confirmed figures and filled forms."""
