# Trains the autoencoder: reconstruction, edge and KL losses, with an average of the weights.
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from brushes import SIZE
from dataset import pictures
from networks import Autoencoder
from painter import paint
from tensors import sheet, write_png
from vae_start import start_from_means


class Average:
    """Exponential moving average of a network's weights; short at first so that early exports are usable."""

    def __init__(self, networks, decay):
        self.networks, self.decay, self.steps = networks, decay, 0
        self.values = [p.detach().clone() for network in networks for p in network.parameters()]

    @torch.no_grad()
    def update(self):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = [p.detach() for network in self.networks for p in network.parameters()]
        torch._foreach_lerp_(self.values, current, 1 - decay)

    @torch.no_grad()
    def copy_to_networks(self):
        parameters = (p for network in self.networks for p in network.parameters())
        for value, p in zip(self.values, parameters):
            p.copy_(value)

    @torch.no_grad()
    def swap(self):
        """Exchanges the networks' weights and the average."""
        parameters = (p for network in self.networks for p in network.parameters())
        for value, p in zip(self.values, parameters):
            held = p.detach().clone()
            p.copy_(value)
            value.copy_(held)


def learning_rate(stage, step):
    """Warm-up, then a cosine from rate to final_rate over the stage."""
    if step < stage["warmup"]:
        return stage["rate"] * (step + 1) / stage["warmup"]
    share = (step - stage["warmup"]) / max(stage["steps"] - stage["warmup"], 1)
    return stage["final_rate"] + (stage["rate"] - stage["final_rate"]) * 0.5 * (1 + math.cos(math.pi * min(share, 1)))


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def vae_config(settings):
    """The content of vae/config.json, but for the scaling factor."""
    vae = settings["vae"]
    levels = len(vae["channels"])
    return {
        "_class_name": "AutoencoderKL", "_diffusers_version": "0.40.0.dev0", "act_fn": "silu",
        "block_out_channels": vae["channels"], "down_block_types": ["DownEncoderBlock2D"] * levels,
        "force_upcast": True, "in_channels": 3, "latent_channels": 4, "latents_mean": None, "latents_std": None,
        "layers_per_block": vae["layers"], "mid_block_add_attention": True, "norm_num_groups": vae["groups"],
        "out_channels": 3, "sample_size": SIZE, "scaling_factor": 1.0, "shift_factor": None,
        "up_block_types": ["UpDecoderBlock2D"] * levels, "use_post_quant_conv": True, "use_quant_conv": True,
    }


def to_tensor(batch, device):
    """uint8 [n, h, w, 3] to -1..1 [n, 3, h, w]."""
    return torch.from_numpy(np.ascontiguousarray(batch)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def take_batch(rng, full, half, stage):
    """Whole pictures, or for the small size cut-outs of large pictures and whole small ones."""
    rows = rng.integers(full.done, size=stage["batch"])
    size = stage["size"]
    if size == SIZE:
        return full.array[np.sort(rows)]
    batch = []
    for row in rows:
        if rng.random() < 0.35:
            batch.append(half.array[row])
        else:
            top, left = rng.integers(SIZE - size + 1, size=2)
            batch.append(full.array[row, top : top + size, left : left + size])
    return np.stack(batch)


def reconstruction(output, target, weight):
    """Mean absolute and squared error plus the error of first differences, which keeps edges sharp."""
    difference = output - target
    edges = difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()
    return difference.abs().mean() + difference.square().mean() + weight * edges


def vae_loss(model, picture, settings, halve, frozen=False):
    """One training loss; with halve the latents are shrunk and must decode to the shrunk picture, which
    makes them behave like small pictures and easier for the UNet to learn. With frozen only the decoder learns."""
    with torch.set_grad_enabled(not frozen):
        mean, logvar = model.encode(picture)
    mean, logvar = mean.float(), logvar.float()
    latent = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
    if halve:
        latent, picture = F.avg_pool2d(latent, 2), F.avg_pool2d(picture, 2)
    loss = reconstruction(model.decode(latent).float(), picture, settings["gradient"])
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return loss + settings["kl"] * divergence, loss, divergence


@torch.no_grad()
def measure(model, device, state, count=12):
    """Mean PSNR over pictures of seeds that training never sees, and a sheet of some of them."""
    batch = np.stack([paint(seed)[0] for seed in range(count)])
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cpu"):
        output = torch.cat([model.decode(model.encode(to_tensor(part[None], device))[0]).float() for part in batch])
    output = ((output.clamp(-1, 1) + 1) * 127.5 + 0.5).byte().permute(0, 2, 3, 1).cpu().numpy()
    error = ((output.astype(np.float32) - batch) ** 2).mean((1, 2, 3))
    write_png(os.path.join(state, "vae_preview.png"), sheet(np.concatenate([batch[:6], output[:6], batch[6:], output[6:]]), 6))
    return float((10 * np.log10(255**2 / error)).mean())


def load_vae(state, settings, device, averaged=True):
    """The autoencoder of the last checkpoint."""
    model = Autoencoder(vae_config(settings)).to(device).to(memory_format=torch.channels_last)
    held = torch.load(os.path.join(state, "vae.pt"), map_location=device, weights_only=True)
    model.load_state_dict(held["model"])
    if averaged:
        with torch.no_grad():
            for p, value in zip(model.parameters(), held["average"]):
                p.copy_(value)
    return model.eval()


def train_vae(state, settings, device, decoder_only=False):
    """Runs or resumes the stages of the autoencoder; the checkpoint is state/vae.pt.

    The last stages, which train the decoder only, run when asked for: cached latents stay valid."""
    config, path = settings["vae"], os.path.join(state, "vae.pt")
    full, half = pictures(state, settings, SIZE), pictures(state, settings, SIZE // 2)
    torch.manual_seed(settings["seed"])
    model = Autoencoder(vae_config(settings)).to(device).to(memory_format=torch.channels_last)
    start_from_means(model)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    average, stage_index, step, seconds = Average([model], config["ema"]), 0, 0, 0.0
    if os.path.exists(path):
        held = torch.load(path, map_location=device, weights_only=True)
        model.load_state_dict(held["model"])
        optimizer.load_state_dict(held["optimizer"])
        average.values, average.steps = held["average"], held["average_steps"]
        stage_index, step, seconds = held["stage"], held["step"], held["seconds"]
    saved, started, shown, sums = time.time(), time.time(), time.time(), np.zeros(3)
    while stage_index < len(config["stages"]):
        stage = config["stages"][stage_index]
        frozen = stage.get("decoder_only", False)
        if frozen and not decoder_only:
            return
        if frozen and step == 0:
            average.copy_to_networks()
        while step < stage["steps"]:
            rng = np.random.default_rng([settings["seed"], 1, stage_index, step])
            picture = to_tensor(take_batch(rng, full, half, stage), device).to(memory_format=torch.channels_last)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(stage, step)
            with torch.autocast(device.type, torch.bfloat16):
                loss, error, divergence = vae_loss(model, picture, config, not frozen and rng.random() < 0.2, frozen)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.update()
            step += 1
            sums += (error.item(), divergence.item(), 1)
            if step % 50 == 0:
                speed = sums[2] * stage["batch"] / (time.time() - shown)
                print(f"vae stage {stage_index} step {step}/{stage['steps']} loss {sums[0] / sums[2]:.4f} "
                      f"kl {sums[1] / sums[2]:.2f} {speed:.1f} samples/s", flush=True)
                shown, sums = time.time(), np.zeros(3)
            finished = step == stage["steps"]
            if finished or time.time() - saved > settings["checkpoint_seconds"]:
                average.swap()
                model.eval()
                print(f"vae psnr {measure(model, device, state):.2f} dB", flush=True)
                model.train()
                average.swap()
                held = (stage_index + 1, 0) if finished else (stage_index, step)
                save(path, {
                    "model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.values,
                    "average_steps": average.steps, "stage": held[0], "step": held[1],
                    "seconds": seconds + time.time() - started,
                })
                saved = shown = time.time()
                sums = np.zeros(3)
        stage_index, step = stage_index + 1, 0
