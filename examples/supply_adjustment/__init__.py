"""Supply adjustment: how many basis points of supply a stablecoin's controller mints or burns in the next hour."""
