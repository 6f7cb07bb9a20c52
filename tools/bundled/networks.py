# Defines the three networks of Stable Diffusion 1.x in PyTorch, sized by their config.json, for training on CPU or GPU.
"""Parameter names are those of diffusers 0.40 and transformers 5.12, so a state dict is the weight file's content.

Attention is matmul, softmax, matmul: the fused operator's backward pass is many times slower on CPUs.
"""
import math

import torch
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


# ---------------------------------------------------------------------------------------------- text


class TextAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x, mask):
        return self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, mask))


class TextLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.self_attn = TextAttention(width, config["num_attention_heads"])
        self.layer_norm1 = nn.LayerNorm(width, eps)
        self.mlp = names(
            fc1=nn.Linear(width, config["intermediate_size"]), fc2=nn.Linear(config["intermediate_size"], width)
        )
        self.layer_norm2 = nn.LayerNorm(width, eps)

    def forward(self, x, mask):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        hidden = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(hidden * torch.sigmoid(1.702 * hidden))


class TextEncoder(nn.Module):
    """CLIPTextModel with quick_gelu: ids [batch, 77] to hidden states [batch, 77, width] after the final norm."""

    def __init__(self, config):
        super().__init__()
        if config["hidden_act"] != "quick_gelu":
            raise ValueError("only quick_gelu is supported")
        width = config["hidden_size"]
        self.text_model = names(
            embeddings=names(
                token_embedding=nn.Embedding(config["vocab_size"], width),
                position_embedding=nn.Embedding(config["max_position_embeddings"], width),
            ),
            encoder=names(layers=nn.ModuleList(TextLayer(config) for _ in range(config["num_hidden_layers"]))),
            final_layer_norm=nn.LayerNorm(width, config["layer_norm_eps"]),
        )

    def forward(self, ids):
        model = self.text_model
        tokens = ids.shape[1]
        x = model.embeddings.token_embedding(ids) + model.embeddings.position_embedding.weight[:tokens]
        mask = torch.full((tokens, tokens), -1e4, device=ids.device).triu(1)
        for layer in model.encoder.layers:
            x = layer(x, mask)
        return model.final_layer_norm(x)


# ---------------------------------------------------------------------------------------------- blocks


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


# ---------------------------------------------------------------------------------------------- autoencoder


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
    """AutoencoderKL: pictures [batch, 3, h, w] in -1..1, latents [batch, 4, h/8, w/8] before scaling."""

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


# ---------------------------------------------------------------------------------------------- UNet


class CrossAttention(nn.Module):
    def __init__(self, width, context_width, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        return self.to_out[0](attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


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
            net=nn.ModuleList([GatedProjection(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])
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
    """UNet2DConditionModel of SD 1.x: noisy latents, timesteps [batch], context [batch, 77, width] to noise."""

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
            resnets=nn.ModuleList(Resnet(inputs, inputs, groups, eps, time_width) for _ in range(2)),
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
        groups, eps, time_width = config["norm_num_groups"], config["norm_eps"], 4 * config["block_out_channels"][0]
        block = names(resnets=nn.ModuleList(Resnet(i, o, groups, eps, time_width) for i, o in sizes))
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
