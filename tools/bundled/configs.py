# Makes the config.json contents of the three networks from the training settings.

from brushes import SIZE


def text_config(settings, vocabulary_size):
    """The content of text_encoder/config.json."""
    text = settings["text"]
    return {
        "architectures": ["CLIPTextModel"],
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "hidden_act": "quick_gelu",
        "hidden_size": text["width"],
        "initializer_factor": 1.0,
        "initializer_range": 0.02,
        "intermediate_size": text["inner"],
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": 77,
        "model_type": "clip_text_model",
        "num_attention_heads": text["heads"],
        "num_hidden_layers": text["layers"],
        "pad_token_id": 1,
        "projection_dim": text["width"],
        "torch_dtype": "float16",
        "transformers_version": "4.21.0.dev0",
        "vocab_size": vocabulary_size,
    }


def unet_config(settings):
    """The content of unet/config.json: no attention at the first level."""
    unet = settings["unet"]
    levels = len(unet["channels"])
    return {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": "0.40.0.dev0",
        "act_fn": "silu",
        "addition_embed_type": None,
        "addition_embed_type_num_heads": 64,
        "addition_time_embed_dim": None,
        "attention_head_dim": unet["heads"],
        "attention_type": "default",
        "block_out_channels": unet["channels"],
        "center_input_sample": False,
        "class_embed_type": None,
        "class_embeddings_concat": False,
        "conv_in_kernel": 3,
        "conv_out_kernel": 3,
        "cross_attention_dim": settings["text"]["width"],
        "cross_attention_norm": None,
        "down_block_types": ["DownBlock2D"] + ["CrossAttnDownBlock2D"] * (levels - 1),
        "downsample_padding": 1,
        "dropout": 0.0,
        "dual_cross_attention": False,
        "encoder_hid_dim": None,
        "encoder_hid_dim_type": None,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": unet["layers"],
        "mid_block_only_cross_attention": None,
        "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "norm_eps": 1e-05,
        "norm_num_groups": unet["groups"],
        "num_attention_heads": None,
        "num_class_embeds": None,
        "only_cross_attention": False,
        "out_channels": 4,
        "projection_class_embeddings_input_dim": None,
        "resnet_out_scale_factor": 1.0,
        "resnet_skip_time_act": False,
        "resnet_time_scale_shift": "default",
        "reverse_transformer_layers_per_block": None,
        "sample_size": SIZE // 8,
        "time_cond_proj_dim": None,
        "time_embedding_act_fn": None,
        "time_embedding_dim": None,
        "time_embedding_type": "positional",
        "timestep_post_act": None,
        "transformer_layers_per_block": 1,
        "up_block_types": ["CrossAttnUpBlock2D"] * (levels - 1) + ["UpBlock2D"],
        "upcast_attention": False,
        "use_linear_projection": False,
    }


def vae_config(settings):
    """The content of vae/config.json, but for the scaling factor."""
    vae = settings["vae"]
    levels = len(vae["channels"])
    return {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": "0.40.0.dev0",
        "act_fn": "silu",
        "block_out_channels": vae["channels"],
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "force_upcast": True,
        "in_channels": 3,
        "latent_channels": 4,
        "latents_mean": None,
        "latents_std": None,
        "layers_per_block": vae["layers"],
        "mid_block_add_attention": True,
        "norm_num_groups": vae["groups"],
        "out_channels": 3,
        "sample_size": SIZE,
        "scaling_factor": 1.0,
        "shift_factor": None,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "use_post_quant_conv": True,
        "use_quant_conv": True,
    }
