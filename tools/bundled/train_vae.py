# Trains the autoencoder: reconstruction, edge and KL losses, with an average of the weights.
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from autoencoder import Autoencoder
from brushes import SIZE
from configs import vae_config
from dataset import pictures
from pace import Clock, Threads
from painter import paint
from tensors import sheet, write_png
from vae_start import start_from_means


class Average:
    """Exponential moving average of a network's weights; short at first so that early exports are
    usable."""

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
    return stage["final_rate"] + (stage["rate"] - stage["final_rate"]) * 0.5 * (
        1 + math.cos(math.pi * min(share, 1))
    )


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def to_tensor(batch, device):
    """uint8 [n, h, w, 3] to -1..1 [n, 3, h, w]."""
    return (
        torch.from_numpy(np.ascontiguousarray(batch)).to(device).permute(0, 3, 1, 2).float() / 127.5
        - 1
    )


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
    """Mean absolute and squared error plus the error of first differences, which keeps edges
    sharp."""
    difference = output - target
    edges = difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()
    return difference.abs().mean() + difference.square().mean() + weight * edges


def vae_loss(model, picture, settings, halve, frozen=False):
    """One training loss; with halve the shrunk latents must decode to the shrunk picture.

    That makes them behave like small pictures and easier for the UNet to learn. With frozen only
    the decoder learns."""
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
        output = torch.cat(
            [model.decode(model.encode(to_tensor(part[None], device))[0]).float() for part in batch]
        )
    output = ((output.clamp(-1, 1) + 1) * 127.5 + 0.5).byte().permute(0, 2, 3, 1).cpu().numpy()
    error = ((output.astype(np.float32) - batch) ** 2).mean((1, 2, 3))
    write_png(
        os.path.join(state, "vae_preview.png"),
        sheet(np.concatenate([batch[:6], output[:6], batch[6:], output[6:]]), 6),
    )
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


class VaeProgress:
    """Everything that a restart needs, in state/vae.pt."""

    def __init__(self, state, settings, device):
        self.path, config = os.path.join(state, "vae.pt"), settings["vae"]
        torch.manual_seed(settings["seed"])
        self.model = Autoencoder(vae_config(settings)).to(device)
        self.model.to(memory_format=torch.channels_last)
        start_from_means(self.model)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.average = Average([self.model], config["ema"])
        self.stage, self.step, self.seconds = 0, 0, 0.0
        if os.path.exists(self.path):
            held = torch.load(self.path, map_location=device, weights_only=True)
            self.model.load_state_dict(held["model"])
            self.optimizer.load_state_dict(held["optimizer"])
            self.average.values, self.average.steps = held["average"], held["average_steps"]
            self.stage, self.step, self.seconds = held["stage"], held["step"], held["seconds"]

    def save(self):
        held = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.values,
            "average_steps": self.average.steps,
            "stage": self.stage,
            "step": self.step,
            "seconds": self.seconds,
        }
        save(self.path, held)

    def learn(self, picture, settings, stage, halve):
        """One step; returns the reconstruction loss and the KL divergence."""
        frozen = stage.get("decoder_only", False)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(stage, self.step)
        with torch.autocast(picture.device.type, torch.bfloat16):
            loss, error, divergence = vae_loss(self.model, picture, settings, halve, frozen)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.average.update()
        self.step += 1
        return error.item(), divergence.item()

    def report(self, state, device):
        """Prints the PSNR of the averaged weights."""
        self.average.swap()
        self.model.eval()
        print(f"vae psnr {measure(self.model, device, state):.2f} dB", flush=True)
        self.model.train()
        self.average.swap()


def train_vae(state, settings, device, decoder_only=False):
    """Runs or resumes the stages of the autoencoder; the checkpoint is state/vae.pt.

    The last stages, which train the decoder only, run when asked for: cached latents stay valid."""
    full, half = pictures(state, settings, SIZE), pictures(state, settings, SIZE // 2)
    progress, stages = VaeProgress(state, settings, device), settings["vae"]["stages"]
    clock, threads = Clock(settings["checkpoint_seconds"]), Threads(settings["threads"])
    while progress.stage < len(stages):
        stage = stages[progress.stage]
        frozen = stage.get("decoder_only", False)
        if frozen and not decoder_only:
            return
        if frozen and progress.step == 0:
            progress.average.copy_to_networks()
        finished = False
        while not finished:
            rng = np.random.default_rng([settings["seed"], 1, progress.stage, progress.step])
            picture = to_tensor(take_batch(rng, full, half, stage), device)
            picture = picture.to(memory_format=torch.channels_last)
            halve = not frozen and rng.random() < 0.2
            clock.count(progress.learn(picture, settings["vae"], stage, halve), stage["batch"])
            threads.count(stage["batch"])
            if progress.step % 50 == 0:
                clock.report(f"vae stage {progress.stage} step {progress.step}/{stage['steps']}")
            finished = progress.step >= stage["steps"]
            if finished or clock.due():
                progress.seconds += clock.lap()
                progress.report(state, device)
                if finished:
                    progress.stage, progress.step = progress.stage + 1, 0
                progress.save()
                clock.restart()
