# Checks the PyTorch networks against reference tensors of a tiny model folder, name by name and
# value by value.
"""Usage: check_networks.py FOLDER, where FOLDER has the diffusers layout and a golden.safetensors
beside it."""

import json
import os
import sys

import numpy as np
import torch

from autoencoder import Autoencoder
from tensors import read_safetensors
from text_encoder import TextEncoder
from unet import UNet

PARTS = {
    "text_encoder": (TextEncoder, "model.safetensors"),
    "unet": (UNet, "diffusion_pytorch_model.safetensors"),
    "vae": (Autoencoder, "diffusion_pytorch_model.safetensors"),
}


def load(folder, part):
    """Builds the part's network from its config and fills it; any missing or spare name is an
    error."""
    network, file = PARTS[part]
    with open(os.path.join(folder, part, "config.json"), encoding="utf-8") as text:
        module = network(json.load(text))
    weights = read_safetensors(os.path.join(folder, part, file))
    module.load_state_dict(
        {name: torch.from_numpy(value).float() for name, value in weights.items()}
    )
    return module.eval()


def compare(title, ours, expected, failures):
    error = np.sqrt(np.mean((ours.numpy() - expected) ** 2) / np.mean(expected**2))
    print(f"{title:24} nrmse {error:.2e}")
    if not error < 1e-4:
        failures.append(title)


@torch.no_grad()
def main():
    folder = sys.argv[1]
    golden = read_safetensors(os.path.join(folder, "golden.safetensors"))
    tensor = {name: torch.from_numpy(value) for name, value in golden.items()}
    failures = []
    last = load(folder, "text_encoder")(tensor["text/ids"])
    compare("text/last", last, golden["text/last"], failures)
    unet = load(folder, "unet")
    for case in sorted(
        {
            name.split("/")[1]
            for name in golden
            if name.startswith("unet/") and name.endswith("/out")
        }
    ):
        sample = tensor[f"unet/{case}/sample"]
        time = tensor[f"unet/{case}/t"].expand(len(sample))
        context = tensor["text/last"][tensor[f"unet/{case}/context_rows"]]
        compare(f"unet/{case}", unet(sample, time, context), golden[f"unet/{case}/out"], failures)
    vae = load(folder, "vae")
    mean, logvar = vae.encode(tensor["vae/image"])
    compare("vae/mean", mean, golden["vae/mean"], failures)
    compare("vae/logvar", logvar, golden["vae/logvar"], failures)
    compare("vae/decoded", vae.decode(tensor["vae/z"]), golden["vae/decoded"], failures)
    sys.exit(f"differs: {', '.join(failures)}" if failures else 0)


if __name__ == "__main__":
    main()
