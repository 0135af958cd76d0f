"""What the catalogue says of models: their prices, and what they can do."""
