# Defines the UNet of Stable Diffusion 1.x in PyTorch with the parameter names of diffusers.

import math

import torch
import torch.nn.functional as F
from torch import nn

from blocks import Downsample, Resnet, Upsample, attend, names
from norms import GroupNorm


class CrossAttention(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        return self.to_out[0](
            attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads)
        )


class GatedProjection(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class TransformerBlock(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = CrossAttention(width, width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = CrossAttention(width, context_width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = names(
            net=nn.ModuleList(
                [GatedProjection(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)]
            )
        )

    def forward(self, x, context):
        hidden = self.norm1(x)
        x = x + self.attn1(hidden, hidden)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff.net[2](self.ff.net[0](self.norm3(x)))


class SpatialTransformer(nn.Module):
    def __init__(self, width, config):
        super().__init__()
        self.norm = GroupNorm(config["norm_num_groups"], width, 1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(width, config["cross_attention_dim"], config["attention_head_dim"])]
        )
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x, context):
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, context)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))


def time_features(time, width):
    """Sinusoids of the timestep, cosines first (flip_sin_to_cos, freq_shift 0)."""
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=time.device)
    angles = time.float()[:, None] * torch.exp(-math.log(10000.0) / half * steps)
    return torch.cat([angles.cos(), angles.sin()], -1)


class UNet(nn.Module):
    """UNet2DConditionModel of SD 1.x: noisy latents, timesteps [batch], context [batch, 77, width]
    to noise."""

    def __init__(self, config):
        super().__init__()
        widths, layers = config["block_out_channels"], config["layers_per_block"]
        groups, eps, time_width = config["norm_num_groups"], config["norm_eps"], 4 * widths[0]
        self.first_width = widths[0]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = names(
            linear_1=nn.Linear(widths[0], time_width), linear_2=nn.Linear(time_width, time_width)
        )
        self.down_blocks = nn.ModuleList()
        skips, inputs = [widths[0]], widths[0]
        for level, width in enumerate(widths):
            attends = config["down_block_types"][level].startswith("CrossAttn")
            sizes = [(inputs if i == 0 else width, width) for i in range(layers)]
            block = self.make_block(sizes, attends, config)
            skips += [width] * layers
            if level + 1 < len(widths):
                block.downsamplers = nn.ModuleList([Downsample(width, one_sided=False)])
                skips.append(width)
            self.down_blocks.append(block)
            inputs = width
        self.mid_block = names(
            attentions=nn.ModuleList([SpatialTransformer(inputs, config)]),
            resnets=nn.ModuleList(
                Resnet(inputs, inputs, groups, eps, time_width) for _ in range(2)
            ),
        )
        self.up_blocks = nn.ModuleList()
        for level, width in enumerate(reversed(widths)):
            attends = config["up_block_types"][level].startswith("CrossAttn")
            sizes = []
            for _ in range(layers + 1):
                sizes.append((inputs + skips.pop(), width))
                inputs = width
            block = self.make_block(sizes, attends, config)
            if level + 1 < len(widths):
                block.upsamplers = nn.ModuleList([Upsample(width)])
            self.up_blocks.append(block)
        self.conv_norm_out = GroupNorm(groups, inputs, eps)
        self.conv_out = nn.Conv2d(inputs, config["out_channels"], 3, padding=1)

    @staticmethod
    def make_block(sizes, attends, config):
        groups, eps, time_width = (
            config["norm_num_groups"],
            config["norm_eps"],
            4 * config["block_out_channels"][0],
        )
        block = names(
            resnets=nn.ModuleList(Resnet(i, o, groups, eps, time_width) for i, o in sizes)
        )
        if attends:
            block.attentions = nn.ModuleList(SpatialTransformer(o, config) for _, o in sizes)
        return block

    @staticmethod
    def run_layer(block, index, x, time, context):
        x = block.resnets[index](x, time)
        return block.attentions[index](x, context) if hasattr(block, "attentions") else x

    def forward(self, x, time, context):
        embedding = self.time_embedding
        time = time_features(time, self.first_width)
        time = embedding.linear_2(F.silu(embedding.linear_1(time)))
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for index in range(len(block.resnets)):
                x = self.run_layer(block, index, x, time, context)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, time)
        x = self.mid_block.attentions[0](x, context)
        x = self.mid_block.resnets[1](x, time)
        for block in self.up_blocks:
            for index in range(len(block.resnets)):
                x = torch.cat([x, skips.pop()], 1)
                x = self.run_layer(block, index, x, time, context)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x, skips[-1].shape[2:])
        return self.conv_out(F.silu(self.conv_norm_out(x)))
