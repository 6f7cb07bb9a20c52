# Defines the autoencoder of Stable Diffusion 1.x in PyTorch with the parameter names of diffusers.

import torch.nn.functional as F
from torch import nn

from blocks import Downsample, Resnet, Upsample, attend, names
from norms import GroupNorm


class PictureAttention(nn.Module):
    """One-head self-attention over all positions of the autoencoder's middle."""

    def __init__(self, channels, groups):
        super().__init__()
        self.group_norm = GroupNorm(groups, channels, 1e-6)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        tokens = attend(self.to_q(tokens), self.to_k(tokens), self.to_v(tokens), 1)
        return x + self.to_out[0](tokens).transpose(1, 2).reshape(x.shape)


def autoencoder_middle(channels, groups):
    return names(
        attentions=nn.ModuleList([PictureAttention(channels, groups)]),
        resnets=nn.ModuleList(Resnet(channels, channels, groups, 1e-6) for _ in range(2)),
    )


def run_autoencoder_middle(block, x):
    return block.resnets[1](block.attentions[0](block.resnets[0](x)))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        inputs = widths[0]
        for level, width in enumerate(widths):
            block = names(
                resnets=nn.ModuleList(
                    Resnet(inputs if i == 0 else width, width, groups, 1e-6)
                    for i in range(config["layers_per_block"])
                )
            )
            if level + 1 < len(widths):
                block.downsamplers = nn.ModuleList([Downsample(width, one_sided=True)])
            self.down_blocks.append(block)
            inputs = width
        self.mid_block = autoencoder_middle(inputs, groups)
        self.conv_norm_out = GroupNorm(groups, inputs, 1e-6)
        self.conv_out = nn.Conv2d(inputs, 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
        x = run_autoencoder_middle(self.mid_block, x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = list(reversed(config["block_out_channels"])), config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["latent_channels"], widths[0], 3, padding=1)
        self.mid_block = autoencoder_middle(widths[0], groups)
        self.up_blocks = nn.ModuleList()
        inputs = widths[0]
        for level, width in enumerate(widths):
            block = names(
                resnets=nn.ModuleList(
                    Resnet(inputs if i == 0 else width, width, groups, 1e-6)
                    for i in range(config["layers_per_block"] + 1)
                )
            )
            if level + 1 < len(widths):
                block.upsamplers = nn.ModuleList([Upsample(width)])
            self.up_blocks.append(block)
            inputs = width
        self.conv_norm_out = GroupNorm(groups, inputs, 1e-6)
        self.conv_out = nn.Conv2d(inputs, config["out_channels"], 3, padding=1)

    def forward(self, z):
        x = run_autoencoder_middle(self.mid_block, self.conv_in(z))
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """AutoencoderKL: pictures [batch, 3, h, w] in -1..1, latents [batch, 4, h/8, w/8] before
    scaling."""

    def __init__(self, config):
        super().__init__()
        latent = config["latent_channels"]
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def encode(self, picture):
        """Returns mean and log variance of the latent distribution."""
        mean, logvar = self.quant_conv(self.encoder(picture)).chunk(2, 1)
        return mean, logvar.clamp(-30, 20)

    def decode(self, latent):
        return self.decoder(self.post_quant_conv(latent))
