# Paints pictures from captions with the PyTorch networks: DPM-Solver++(2M) or DDIM with guidance,
# for previews.
import numpy as np
import torch

from tensors import sheet, write_png


def alphas():
    """Cumulative products of 1 - beta for the scaled_linear schedule 0.00085..0.012, 1000 steps."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


@torch.no_grad()
def sample(networks, tokenizer, prompts, negative, size, steps, guidance, seed, method="dpmpp"):
    """Latents [n, 4, size/8, size/8] for the prompts; prompt i starts from noise of seed + i."""
    text, unet = networks["text_encoder"], networks["unet"]
    device = next(unet.parameters()).device
    ids = torch.tensor(
        [tokenizer.encode(prompt) for prompt in [negative] * len(prompts) + list(prompts)],
        device=device,
    )
    context = text(ids)
    shape = (4, size // 8, size // 8)
    latent = torch.stack(
        [
            torch.randn(shape, generator=torch.Generator().manual_seed(seed + i))
            for i in range(len(prompts))
        ]
    )
    latent = latent.to(device)
    table = alphas().to(device).double()
    times = np.linspace(0, 999, steps + 1).round()[::-1][:-1].astype(int)
    previous, last_step = None, None
    for index, moment in enumerate(times):
        with torch.autocast(device.type, torch.bfloat16):
            noise = unet(
                latent.repeat(2, 1, 1, 1),
                torch.full((2 * len(prompts),), int(moment), device=device),
                context,
            ).float()
        without, with_prompt = noise.chunk(2)
        noise = without + guidance * (with_prompt - without)
        now = float(table[moment])
        then = float(table[times[index + 1]]) if index + 1 < len(times) else 1.0
        clean = (latent - (1 - now) ** 0.5 * noise) / now**0.5
        if method == "ddim" or index + 1 == len(times):
            latent = then**0.5 * clean + (1 - then) ** 0.5 * noise
            continue
        step = 0.5 * (np.log(then / (1 - then)) - np.log(now / (1 - now)))
        target = clean
        if previous is not None:
            ratio = last_step / step
            target = (1 + 0.5 / ratio) * clean - 0.5 / ratio * previous
        latent = ((1 - then) / (1 - now)) ** 0.5 * latent - then**0.5 * float(
            np.expm1(-step)
        ) * target
        previous, last_step = clean, step
    return latent


@torch.no_grad()
def decode(vae, latent, scale):
    """uint8 pictures [n, h, w, 3]."""
    with torch.autocast(latent.device.type, torch.bfloat16):
        picture = torch.cat([vae.decode(part[None] / scale).float() for part in latent])
    return ((picture.clamp(-1, 1) + 1) * 127.5 + 0.5).byte().permute(0, 2, 3, 1).cpu().numpy()


def preview(path, networks, tokenizer, scale, prompts, size, guidance=4.0, steps=14, seed=7):
    latent = sample(networks, tokenizer, prompts, "", size, steps, guidance, seed)
    write_png(path, sheet(decode(networks["vae"], latent, scale), 4))
