"""Generators and discriminators, one file for each architecture.

A generator maps latents `(batch, latent)` to samples `(batch, *shape)`: images in [-1, 1], or
points. A discriminator maps samples to logits `(batch,)`. Without batch normalisation it treats
each sample on its own, so real and fake samples can share one pass.

With batch normalisation, real and fake batches pass one after the other, each normalised by its own
moments (Radford et al. 2016). The running moments follow every batch, those of the generator's step
included, and are what the discriminator is scored with.
"""
