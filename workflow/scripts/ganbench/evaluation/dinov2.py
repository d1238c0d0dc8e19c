"""The vision transformers of DINOv2 (Oquab et al. 2024), without their published weights.

They are written out here because torch-fidelity builds them from code that it downloads without a
check. Parameters have the names of the published files. Sizes: Touvron et al. 2021, Table 1, for S;
Dosovitskiy et al. 2021, Table 1, for B and L.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZES = {
    "dinov2-vit-s-14": {"size": 384, "depth": 12, "heads": 6},
    "dinov2-vit-b-14": {"size": 768, "depth": 12, "heads": 12},
    "dinov2-vit-l-14": {"size": 1024, "depth": 24, "heads": 16},
}

PATCH = 14
"""Height and width of a patch, in pixels."""

TRAINED_PATCHES = 37
"""Patches along each side of the 518-pixel images that the position embedding was trained for."""


class VisionTransformer(nn.Module):
    """Maps normalised images `(batch, 3, height, width)` to class tokens `(batch, size)`."""

    def __init__(self, size: int, depth: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED_PATCHES**2, size))
        self.mask_token = nn.Parameter(torch.zeros(1, size))  # in the files; only training uses it
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, size, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList(TransformerBlock(size, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(size, eps=1e-6)

    def forward(self, images: Tensor) -> Tensor:
        """The normalised class token after the last block."""
        patches = self.patch_embed["proj"](images)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        tokens = tokens + self._positions(*patches.shape[2:])
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, 0])

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The position embedding of `rows × columns` patches, `(1, 1 + rows × columns, size)`."""
        if rows == columns == TRAINED_PATCHES:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].unflatten(1, (TRAINED_PATCHES, -1)).permute(0, 3, 1, 2)
        # the published code adds 0.1 to the target size; features differ without it
        factors = ((rows + 0.1) / TRAINED_PATCHES, (columns + 0.1) / TRAINED_PATCHES)
        grid = F.interpolate(grid, scale_factor=factors, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


class TransformerBlock(nn.Module):
    """Attention, then a two-layer network, each on a residual path with a learnt scale."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size, eps=1e-6)
        self.attn = SelfAttention(size, heads)
        self.ls1 = LayerScale(size)
        self.norm2 = nn.LayerNorm(size, eps=1e-6)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(size, 4 * size), "fc2": nn.Linear(4 * size, size)}
        )
        self.ls2 = LayerScale(size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens `(batch, count, size)` to tokens of the same shape."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        hidden = F.gelu(self.mlp["fc1"](self.norm2(tokens)))
        return tokens + self.ls2(self.mlp["fc2"](hidden))


class SelfAttention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.proj = nn.Linear(size, size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens `(batch, count, size)` to tokens of the same shape."""
        heads = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    """A learnt weight for each dimension (Touvron et al. 2021, Going deeper with image
    transformers, Section 2).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens `(batch, count, size)` to tokens of the same shape."""
        return tokens * self.gamma
