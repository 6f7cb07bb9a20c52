# Trains the UNet and the text encoder together on cached latents, with dropped captions and averaged weights.
import os
import time

import numpy as np
import torch

from brushes import SIZE
from dataset import Rows, latents, pictures, read_captions
from export import export
from networks import TextEncoder, UNet
from painter import paint
from sampler import alphas, preview
from tokenizer import Tokenizer
from train_vae import Average, learning_rate, load_vae, measure, save, to_tensor

PREVIEW = (
    "a beautiful sunset over the ocean", "a beautiful sunset over mountains", "a red sailing boat on a lake at noon",
    "a city skyline at night, night photo", "a snowy field with pine trees", "a desert with a blue hot air balloon",
    "a green meadow with a yellow house, watercolor", "mountains at dawn, black and white",
)


def text_config(settings, vocabulary_size):
    """The content of text_encoder/config.json."""
    text = settings["text"]
    return {
        "architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 2,
        "hidden_act": "quick_gelu", "hidden_size": text["width"], "initializer_factor": 1.0,
        "initializer_range": 0.02, "intermediate_size": text["inner"], "layer_norm_eps": 1e-05,
        "max_position_embeddings": 77, "model_type": "clip_text_model", "num_attention_heads": text["heads"],
        "num_hidden_layers": text["layers"], "pad_token_id": 1, "projection_dim": text["width"],
        "torch_dtype": "float16", "transformers_version": "4.21.0.dev0", "vocab_size": vocabulary_size,
    }


def unet_config(settings):
    """The content of unet/config.json: no attention at the first level."""
    unet = settings["unet"]
    levels = len(unet["channels"])
    return {
        "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.40.0.dev0", "act_fn": "silu",
        "addition_embed_type": None, "addition_embed_type_num_heads": 64, "addition_time_embed_dim": None,
        "attention_head_dim": unet["heads"], "attention_type": "default", "block_out_channels": unet["channels"],
        "center_input_sample": False, "class_embed_type": None, "class_embeddings_concat": False,
        "conv_in_kernel": 3, "conv_out_kernel": 3, "cross_attention_dim": settings["text"]["width"],
        "cross_attention_norm": None, "down_block_types": ["DownBlock2D"] + ["CrossAttnDownBlock2D"] * (levels - 1),
        "downsample_padding": 1, "dropout": 0.0, "dual_cross_attention": False, "encoder_hid_dim": None,
        "encoder_hid_dim_type": None, "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4,
        "layers_per_block": unet["layers"], "mid_block_only_cross_attention": None, "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2DCrossAttn", "norm_eps": 1e-05, "norm_num_groups": unet["groups"],
        "num_attention_heads": None, "num_class_embeds": None, "only_cross_attention": False, "out_channels": 4,
        "projection_class_embeddings_input_dim": None, "resnet_out_scale_factor": 1.0, "resnet_skip_time_act": False,
        "resnet_time_scale_shift": "default", "reverse_transformer_layers_per_block": None,
        "sample_size": SIZE // 8, "time_cond_proj_dim": None, "time_embedding_act_fn": None,
        "time_embedding_dim": None, "time_embedding_type": "positional", "timestep_post_act": None,
        "transformer_layers_per_block": 1, "up_block_types": ["CrossAttnUpBlock2D"] * (levels - 1) + ["UpBlock2D"],
        "upcast_attention": False, "use_linear_projection": False,
    }


@torch.no_grad()
def encode_latents(state, settings, device, size, batch=16):
    """Caches the encoder's means of all pictures of a size; resumes where it stopped."""
    rows, source = latents(state, settings, size), pictures(state, settings, size)
    total, done = len(rows.array), rows.done
    if done == total:
        return
    model = load_vae(state, settings, device)
    started = time.time()
    while done < total:
        count = min(batch, total - done, source.done - done)
        if count <= 0:
            raise SystemExit("latents: the pictures are not painted yet; run the data stage first")
        picture = to_tensor(source.array[done : done + count], device).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            mean, _ = model.encode(picture)
        rows.array[done : done + count] = mean.float().cpu().numpy().astype(np.float16)
        done += count
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


def loss_of(text, unet, batch, ids, rng, settings, table):
    """Noise prediction error, weighted so that nearly clean inputs do not dominate (Hang et al. 2023, min-SNR)."""
    count, device = len(batch), batch.device
    time_index = torch.from_numpy(rng.integers(1000, size=count)).to(device)
    noise = torch.from_numpy(rng.standard_normal(batch.shape, np.float32)).to(device)
    alpha = table.to(device)[time_index][:, None, None, None]
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
            self.stage, self.step, self.seconds, self.samples = held["stage"], held["step"], held["seconds"], held["samples"]
            self.scale = held["scale"]

    def save(self):
        save(self.path, {
            "text": self.text.state_dict(), "unet": self.unet.state_dict(), "optimizer": self.optimizer.state_dict(),
            "average": self.average.values, "average_steps": self.average.steps, "stage": self.stage,
            "step": self.step, "seconds": self.seconds, "samples": self.samples, "scale": self.scale,
        })


@torch.no_grad()
def evaluate(state, settings, device, count=96):
    """Prints autoencoder PSNR and noise prediction error on pictures of seeds that training never sees."""
    vae, progress = load_vae(state, settings, device), Progress(state, settings, device)
    print(f"autoencoder psnr {measure(vae, device, state, count):.2f} dB over {count} unseen pictures")
    if progress.scale is None:
        return
    progress.average.swap()
    made = [paint(seed) for seed in range(count)]
    mean = torch.cat([vae.encode(to_tensor(item[0][None], device))[0] for item in made]) * progress.scale
    ids = torch.tensor([progress.tokenizer.encode(item[1]) for item in made], device=device)
    empty = torch.tensor([progress.tokenizer.encode("")], device=device).expand(count, -1)
    for title, words in (("with its caption", ids), ("without caption", empty)):
        rng = np.random.default_rng(5)
        errors = [loss_of(progress.text, progress.unet, mean, words, rng, settings["unet"], alphas())[1].item() for _ in range(4)]
        print(f"noise prediction error {np.mean(errors):.4f} {title}")
    print(f"samples seen {progress.samples}, hours of UNet training {progress.seconds / 3600:.2f}, "
          f"scaling factor {progress.scale:.5f}")


def publish(state, settings, progress, device, with_preview):
    """Writes the averaged model to state/export and, now and then, a sheet of pictures."""
    vae = load_vae(state, settings, device)
    progress.average.swap()
    networks = {"text_encoder": progress.text, "unet": progress.unet, "vae": vae}
    export(os.path.join(state, "export"), settings, networks, progress.tokenizer, progress.scale)
    if with_preview:
        size = settings["unet"]["stages"][min(progress.stage, len(settings["unet"]["stages"]) - 1)]["size"]
        path = os.path.join(state, f"preview_{progress.samples:08d}.png")
        preview(path, networks, progress.tokenizer, progress.scale, PREVIEW, size)
    progress.average.swap()


def train_unet(state, settings, device):
    """Runs or resumes all stages of UNet and text encoder; latents of a stage are cached before it."""
    config = settings["unet"]
    progress = Progress(state, settings, device)
    table = alphas()
    started = saved = shown = previewed = time.time()
    while progress.stage < len(config["stages"]):
        stage = config["stages"][progress.stage]
        encode_latents(state, settings, device, stage["size"])
        progress.scale = progress.scale or scaling_factor(state, settings)
        rows: Rows = latents(state, settings, stage["size"])
        ids = np.array([progress.tokenizer.encode(text) for text in read_captions(state)[: rows.done]], np.int64)
        empty = np.array(progress.tokenizer.encode(""), np.int64)
        sums = np.zeros(3)
        while progress.step < stage["steps"]:
            rng = np.random.default_rng([settings["seed"], 2, progress.stage, progress.step])
            chosen = np.sort(rng.integers(rows.done, size=stage["batch"]))
            batch = torch.from_numpy(rows.array[chosen].astype(np.float32)).to(device) * progress.scale
            words = np.where(rng.random(len(chosen))[:, None] < config["drop_captions"], empty, ids[chosen])
            for group in progress.optimizer.param_groups:
                group["lr"] = learning_rate(stage, progress.step)
            words = torch.from_numpy(words).to(device)
            loss, error = loss_of(progress.text, progress.unet, batch, words, rng, config, table)
            progress.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for network in (progress.text, progress.unet):
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            progress.optimizer.step()
            progress.average.update()
            progress.step += 1
            progress.samples += len(batch)
            sums += (loss.item(), error.item(), 1)
            if progress.step % 50 == 0:
                speed = sums[2] * len(batch) / (time.time() - shown)
                print(f"unet stage {progress.stage} step {progress.step}/{stage['steps']} loss {sums[0] / sums[2]:.4f} "
                      f"error {sums[1] / sums[2]:.4f} {speed:.1f} samples/s", flush=True)
                shown, sums = time.time(), np.zeros(3)
            finished = progress.step == stage["steps"]
            if finished or time.time() - saved > settings["checkpoint_seconds"]:
                progress.seconds += time.time() - started
                started = time.time()
                if finished:
                    progress.stage, progress.step = progress.stage + 1, 0
                progress.save()
                with_preview = finished or time.time() - previewed > 4 * settings["checkpoint_seconds"]
                publish(state, settings, progress, device, with_preview)
                previewed = time.time() if with_preview else previewed
                saved = shown = time.time()
                sums = np.zeros(3)
                if finished:
                    break
