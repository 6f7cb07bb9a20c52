# Defines what the networks share: attention, holders of named modules, residual blocks, resampling.
"""Attention is matmul, softmax, matmul: the fused operator's backward is many times slower on
CPUs."""

import torch.nn.functional as F
from torch import nn

from norms import GroupNorm


def attend(query, key, value, heads, mask=None):
    """Attention over [batch, tokens, channels]; mask is added to the scores."""
    batch, tokens, channels = query.shape
    size = channels // heads

    def split(x):
        return x.reshape(batch, x.shape[1], heads, size).transpose(1, 2)

    scores = split(query) @ split(key).transpose(2, 3) * size**-0.5
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1).to(value.dtype)
    return (weights @ split(value)).transpose(1, 2).reshape(batch, tokens, channels)


def names(**modules):
    """A module that only holds other modules under given names."""
    holder = nn.Module()
    for name, module in modules.items():
        holder.add_module(name, module)
    return holder


class Resnet(nn.Module):
    def __init__(self, inputs, outputs, groups, eps, time_width=None):
        super().__init__()
        self.norm1 = GroupNorm(groups, inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        if time_width is not None:
            self.time_emb_proj = nn.Linear(time_width, outputs)
        self.norm2 = GroupNorm(groups, outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, time=None):
        hidden = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            hidden = hidden + self.time_emb_proj(F.silu(time))[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x) + hidden


class Downsample(nn.Module):
    """Stride-2 convolution; the autoencoder pads right and bottom only, the UNet all sides."""

    def __init__(self, channels, one_sided):
        super().__init__()
        self.one_sided = one_sided
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=0 if one_sided else 1)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.one_sided else x)


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x, size=None):
        size = size or (x.shape[2] * 2, x.shape[3] * 2)
        return self.conv(F.interpolate(x, size=size, mode="nearest"))
