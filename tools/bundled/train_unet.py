# Trains the UNet and the text encoder together on cached latents, with dropped captions and
# averaged weights.
import os
import time

import numpy as np
import torch

from brushes import SIZE
from configs import text_config, unet_config
from dataset import latents, pictures, read_captions
from export import export
from pace import Clock, Threads
from painter import paint
from sampler import alphas, preview
from text_encoder import TextEncoder
from tokenizer import Tokenizer
from train_vae import Average, learning_rate, load_vae, measure, save, to_tensor
from unet import UNet

PREVIEW = (
    "a beautiful sunset over the ocean",
    "a beautiful sunset over mountains",
    "a red sailing boat on a lake at noon",
    "a city skyline at night, night photo",
    "a snowy field with pine trees",
    "a desert with a blue hot air balloon",
    "a green meadow with a yellow house, watercolor",
    "mountains at dawn, black and white",
)


@torch.no_grad()
def encode_latents(state, settings, device, size, total, batch=16):
    """Caches the encoder's means of the first pictures of a size; resumes where it stopped."""
    rows, source = latents(state, settings, size), pictures(state, settings, size)
    done = rows.done
    if done >= total:
        return
    model, threads = load_vae(state, settings, device), Threads(settings["threads"])
    started = time.time()
    while done < total:
        count = min(batch, total - done, source.done - done)
        if count <= 0:
            raise SystemExit("latents: the pictures are not painted yet; run the data stage first")
        picture = to_tensor(source.array[done : done + count], device).to(
            memory_format=torch.channels_last
        )
        with torch.autocast(device.type, torch.bfloat16):
            mean, _ = model.encode(picture)
        rows.array[done : done + count] = mean.float().cpu().numpy().astype(np.float16)
        done += count
        threads.count(count)
        if done % (batch * 50) == 0 or done == total:
            rows.mark(done)
            print(f"latents {size} {done}/{total} {time.time() - started:.0f} s", flush=True)


def scaling_factor(state, settings):
    """One over the deviation of the latents of whole pictures, as far as they are cached."""
    rows = latents(state, settings, SIZE)
    if rows.done < 1000:
        rows = latents(state, settings, SIZE // 2)
    return float(1.0 / np.asarray(rows.array[: min(rows.done, 4000)], np.float32).std())


def build(state, settings, device):
    """Fresh text encoder and UNet; the residual paths of the text encoder start small."""
    tokenizer = Tokenizer.load(os.path.join(state, "tokenizer"))
    torch.manual_seed(settings["seed"] + 1)
    text = TextEncoder(text_config(settings, len(tokenizer.vocab)))
    embeddings = text.text_model.embeddings
    torch.nn.init.normal_(embeddings.token_embedding.weight, std=0.1)
    torch.nn.init.normal_(embeddings.position_embedding.weight, std=0.02)
    unet = UNet(unet_config(settings))
    torch.nn.init.zeros_(unet.conv_out.weight)
    return tokenizer, text.to(device), unet.to(device).to(memory_format=torch.channels_last)


def loss_of(text, unet, batch, ids, rng, settings):
    """Noise prediction error, weighted so that nearly clean inputs do not dominate (Hang et al.
    2023, min-SNR)."""
    count, device = len(batch), batch.device
    time_index = torch.from_numpy(rng.integers(1000, size=count)).to(device)
    noise = torch.from_numpy(rng.standard_normal(batch.shape, np.float32)).to(device)
    alpha = alphas().to(device)[time_index][:, None, None, None]
    noisy = alpha.sqrt() * batch + (1 - alpha).sqrt() * noise
    with torch.autocast(device.type, torch.bfloat16):
        output = unet(noisy.to(memory_format=torch.channels_last), time_index, text(ids))
    ratio = (alpha / (1 - alpha)).flatten()
    error = (output.float() - noise).square().mean((1, 2, 3))
    return (error * (ratio.clamp(max=settings["min_snr"]) / ratio)).mean(), error.mean()


class Progress:
    """Everything that a restart needs, in state/unet.pt."""

    def __init__(self, state, settings, device):
        self.path = os.path.join(state, "unet.pt")
        self.tokenizer, self.text, self.unet = build(state, settings, device)
        networks = [self.text, self.unet]
        parameters = [p for network in networks for p in network.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, 1e-4, betas=(0.9, 0.99), weight_decay=0.01)
        self.average = Average(networks, settings["unet"]["ema"])
        self.stage, self.step, self.seconds, self.samples = 0, 0, 0.0, 0
        self.scale = None
        if os.path.exists(self.path):
            held = torch.load(self.path, map_location=device, weights_only=True)
            self.text.load_state_dict(held["text"])
            self.unet.load_state_dict(held["unet"])
            self.optimizer.load_state_dict(held["optimizer"])
            self.average.values, self.average.steps = held["average"], held["average_steps"]
            self.stage, self.step, self.seconds, self.samples = (
                held["stage"],
                held["step"],
                held["seconds"],
                held["samples"],
            )
            self.scale = held["scale"]

    def save(self):
        save(
            self.path,
            {
                "text": self.text.state_dict(),
                "unet": self.unet.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.values,
                "average_steps": self.average.steps,
                "stage": self.stage,
                "step": self.step,
                "seconds": self.seconds,
                "samples": self.samples,
                "scale": self.scale,
            },
        )


@torch.no_grad()
def evaluate(state, settings, device, count=96):
    """Prints autoencoder PSNR and noise prediction error on pictures of seeds that training never
    sees."""
    vae, progress = load_vae(state, settings, device), Progress(state, settings, device)
    print(
        f"autoencoder psnr {measure(vae, device, state, count):.2f} dB over {count} unseen pictures"
    )
    if progress.scale is None:
        return
    progress.average.swap()
    made = [paint(seed) for seed in range(count)]
    mean = (
        torch.cat([vae.encode(to_tensor(item[0][None], device))[0] for item in made])
        * progress.scale
    )
    ids = torch.tensor([progress.tokenizer.encode(item[1]) for item in made], device=device)
    empty = torch.tensor([progress.tokenizer.encode("")], device=device).expand(count, -1)
    for title, words in (("with its caption", ids), ("without caption", empty)):
        rng = np.random.default_rng(5)
        errors = [
            loss_of(progress.text, progress.unet, mean, words, rng, settings["unet"])[1].item()
            for _ in range(4)
        ]
        print(f"noise prediction error {np.mean(errors):.4f} {title}")
    print(
        f"samples seen {progress.samples}, hours of UNet training {progress.seconds / 3600:.2f}, "
        f"scaling factor {progress.scale:.5f}"
    )


def publish(state, settings, progress, device, preview_size):
    """Writes the averaged model to state/export and, if a size is given, a sheet of pictures."""
    vae = load_vae(state, settings, device)
    progress.average.swap()
    networks = {"text_encoder": progress.text, "unet": progress.unet, "vae": vae}
    folder = os.path.join(state, "export")
    export(folder, settings, networks, progress.tokenizer, progress.scale)
    if preview_size:
        path = os.path.join(state, f"preview_{progress.samples:08d}.png")
        preview(path, networks, progress.tokenizer, progress.scale, PREVIEW, preview_size)
    progress.average.swap()


def learn(progress, rows, ids, settings, device):
    """One step on a random batch; returns the weighted loss and the plain error."""
    config = settings["unet"]
    stage = config["stages"][progress.stage]
    rng = np.random.default_rng([settings["seed"], 2, progress.stage, progress.step])
    chosen = np.sort(rng.integers(rows.done, size=stage["batch"]))
    batch = torch.from_numpy(rows.array[chosen].astype(np.float32)).to(device) * progress.scale
    dropped = rng.random(len(chosen))[:, None] < config["drop_captions"]
    empty = np.array(progress.tokenizer.encode(""), np.int64)
    words = torch.from_numpy(np.where(dropped, empty, ids[chosen])).to(device)
    for group in progress.optimizer.param_groups:
        group["lr"] = learning_rate(stage, progress.step)
    loss, error = loss_of(progress.text, progress.unet, batch, words, rng, config)
    progress.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for network in (progress.text, progress.unet):
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    progress.optimizer.step()
    progress.average.update()
    progress.step += 1
    progress.samples += len(batch)
    return loss.item(), error.item()


def train_unet(state, settings, device):
    """Runs or resumes all stages of UNet and text encoder, each after caching its latents."""
    stages = settings["unet"]["stages"]
    progress = Progress(state, settings, device)
    clock, previewed = Clock(settings["checkpoint_seconds"]), time.time()
    threads = Threads(settings["threads"])
    while progress.stage < len(stages):
        stage = stages[progress.stage]
        encode_latents(state, settings, device, stage["size"], stage["pictures"])
        progress.scale = progress.scale or scaling_factor(state, settings)
        rows = latents(state, settings, stage["size"])
        captions = read_captions(state)[: rows.done]
        ids = np.array([progress.tokenizer.encode(text) for text in captions], np.int64)
        clock.lap()
        finished = False
        while not finished:
            clock.count(learn(progress, rows, ids, settings, device), stage["batch"])
            threads.count(stage["batch"])
            if progress.step % 50 == 0:
                clock.report(f"unet stage {progress.stage} step {progress.step}/{stage['steps']}")
            finished = progress.step >= stage["steps"]
            if finished or clock.due():
                progress.seconds += clock.lap()
                if finished:
                    progress.stage, progress.step = progress.stage + 1, 0
                progress.save()
                shows = finished or time.time() - previewed > 4 * settings["checkpoint_seconds"]
                publish(state, settings, progress, device, stage["size"] if shows else None)
                previewed = time.time() if shows else previewed
                clock.restart()
