"""Augmentations: random changes of the images that the discriminator sees, real and fake alike."""
