# Writes the trained networks as a model folder in the diffusers layout with fp16 weights.
import json
import os

import numpy as np

from configs import text_config, unet_config, vae_config
from tensors import write_safetensors

SPECIAL = {
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
}
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
MODEL_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.6.0",
    "feature_extractor": [None, None],
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
DEFAULTS = "kiln.json"  # steps, cfg_scale, sampler, schedule; see models/README.md
LIMIT = 32 * 1024 * 1024


def added_token(text):
    return {
        "__type": "AddedToken",
        "content": text,
        "lstrip": False,
        "normalized": True,
        "rstrip": False,
        "single_word": False,
    }


def tokenizer_config():
    return {
        "add_prefix_space": False,
        "bos_token": added_token(SPECIAL["bos_token"]),
        "do_lower_case": True,
        "eos_token": added_token(SPECIAL["eos_token"]),
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": SPECIAL["pad_token"],
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": added_token(SPECIAL["unk_token"]),
    }


def write_json(folder, name, content):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=2) + "\n")


def half_weights(module):
    """State dict in float16; every value must be finite there."""
    weights = {
        name: value.detach().cpu().float().numpy().astype(np.float16)
        for name, value in module.state_dict().items()
    }
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise SystemExit(f"{name}: a value does not fit float16")
    return weights


def export(folder, settings, networks, tokenizer, scale):
    """Writes the whole folder and checks its size; scale is the latents' scaling factor."""
    os.makedirs(folder, exist_ok=True)
    write_json(folder, "model_index.json", MODEL_INDEX)
    write_json(folder, DEFAULTS, settings["defaults"])
    write_json(os.path.join(folder, "scheduler"), "scheduler_config.json", SCHEDULER)
    words = os.path.join(folder, "tokenizer")
    write_json(words, "tokenizer_config.json", tokenizer_config())
    write_json(words, "special_tokens_map.json", SPECIAL)
    tokenizer.save(words)
    configs = {
        "text_encoder": text_config(settings, len(tokenizer.vocab)),
        "unet": unet_config(settings),
        "vae": vae_config(settings) | {"scaling_factor": round(scale, 5)},
    }
    for part, config in configs.items():
        write_json(os.path.join(folder, part), "config.json", config)
        name = (
            "model.safetensors" if part == "text_encoder" else "diffusion_pytorch_model.safetensors"
        )
        path = os.path.join(folder, part, name)
        write_safetensors(path + ".new", half_weights(networks[part]))
        os.replace(path + ".new", path)
    size = sum(
        os.path.getsize(os.path.join(root, name))
        for root, _, files in os.walk(folder)
        for name in files
    )
    if size > LIMIT:
        raise SystemExit(f"{folder}: {size} bytes, more than the limit of {LIMIT}")
