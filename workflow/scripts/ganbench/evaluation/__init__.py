"""The stage that scores generated samples: images by their features, points by their density."""
