"""Three models whose whole input a chain derives: a market's parameters, a token's supply, a rating of proposals."""
