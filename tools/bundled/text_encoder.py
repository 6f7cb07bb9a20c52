# Defines the text encoder of Stable Diffusion 1.x in PyTorch with the names of transformers.

import torch
from torch import nn

from blocks import attend, names


class TextAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x, mask):
        return self.out_proj(
            attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, mask)
        )


class TextLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.self_attn = TextAttention(width, config["num_attention_heads"])
        self.layer_norm1 = nn.LayerNorm(width, eps)
        self.mlp = names(
            fc1=nn.Linear(width, config["intermediate_size"]),
            fc2=nn.Linear(config["intermediate_size"], width),
        )
        self.layer_norm2 = nn.LayerNorm(width, eps)

    def forward(self, x, mask):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        hidden = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(hidden * torch.sigmoid(1.702 * hidden))


class TextEncoder(nn.Module):
    """CLIPTextModel with quick_gelu: ids [batch, 77] to hidden states [batch, 77, width] after the
    final norm."""

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
            encoder=names(
                layers=nn.ModuleList(TextLayer(config) for _ in range(config["num_hidden_layers"]))
            ),
            final_layer_norm=nn.LayerNorm(width, config["layer_norm_eps"]),
        )

    def forward(self, ids):
        model = self.text_model
        tokens = ids.shape[1]
        x = (
            model.embeddings.token_embedding(ids)
            + model.embeddings.position_embedding.weight[:tokens]
        )
        mask = torch.full((tokens, tokens), -1e4, device=ids.device).triu(1)
        for layer in model.encoder.layers:
            x = layer(x, mask)
        return model.final_layer_norm(x)
