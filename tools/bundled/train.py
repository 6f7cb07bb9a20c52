# Trains the bundled model from nothing: pictures, tokenizer, autoencoder, latents, UNet with text
# encoder, export.
"""One command, `train.py all`, runs every stage in order and resumes where the last run stopped."""

import argparse
import json
import os
import sys

# Threads that wait must sleep: other work on the machine would otherwise stall both of them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

HERE = os.path.dirname(os.path.abspath(__file__))
STAGES = (
    "all",
    "data",
    "tokenizer",
    "vae",
    "latents",
    "unet",
    "decoder",
    "export",
    "sample",
    "evaluate",
)
STAGE_HELP = """stages:
  data       paints pictures and captions
  tokenizer  learns byte pairs from the captions
  vae        trains the autoencoder
  latents    caches the autoencoder's output
  unet       trains UNet and text encoder; every checkpoint also writes the model to STATE/export
  decoder    goes on with the autoencoder's decoder alone
  export     writes the model folder
  all        the above in this order; what is done already is skipped
  sample     paints a sheet of prompts
  evaluate   measures both networks on pictures that training never sees"""
SMOKE = {
    "data": {"pictures": 64, "first_seed": 1},
    "tokenizer": {"captions": 64, "merges": 100},
    "text": {"width": 32, "layers": 1, "heads": 2, "inner": 64},
    "vae": {
        "channels": [16, 16, 16, 24],
        "layers": 1,
        "groups": 4,
        "stages": [
            {"size": 128, "batch": 2, "steps": 8, "rate": 1e-3, "final_rate": 1e-3, "warmup": 2},
            {"size": 256, "batch": 1, "steps": 4, "rate": 1e-3, "final_rate": 1e-4, "warmup": 1},
            {
                "size": 256,
                "batch": 1,
                "steps": 4,
                "rate": 1e-3,
                "final_rate": 1e-4,
                "warmup": 1,
                "decoder_only": True,
            },
        ],
    },
    "unet": {
        "channels": [16, 24, 32],
        "layers": 1,
        "groups": 8,
        "heads": 2,
        "stages": [
            {
                "size": 128,
                "pictures": 64,
                "batch": 4,
                "steps": 8,
                "rate": 1e-3,
                "final_rate": 1e-3,
                "warmup": 2,
            },
            {
                "size": 256,
                "pictures": 32,
                "batch": 2,
                "steps": 4,
                "rate": 1e-3,
                "final_rate": 1e-4,
                "warmup": 1,
            },
        ],
    },
}


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=STAGE_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument(
        "--state", default="train-state", help="folder for data and checkpoints (about 15 GB)"
    )
    parser.add_argument(
        "--settings",
        default=os.path.join(HERE, "settings.json"),
        help="JSON file with all sizes and rates",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--processes", type=int, default=1, help="painters at work in the data stage"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="tiny sizes: every stage in two minutes, no useful model",
    )
    parser.add_argument("--output", help="export: model folder; sample: PNG file")
    parser.add_argument("--prompts", nargs="*", help="sample: what to paint")
    parser.add_argument("--negative", default="", help="sample: what to avoid")
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7, help="sample: seed of the first picture")
    parser.add_argument("--size", type=int, default=256, help="sample: picture size")
    parser.add_argument("--method", choices=("dpmpp", "ddim"), default="dpmpp")
    return parser.parse_args()


def read_settings(arguments):
    with open(arguments.settings, encoding="utf-8") as file:
        settings = json.load(file)
    if arguments.smoke:
        for part, values in SMOKE.items():
            settings[part].update(values)
    return settings


def learn_tokenizer(state, settings):
    from dataset import read_captions
    from tokenizer import Tokenizer, learn_merges, vocabulary

    folder = os.path.join(state, "tokenizer")
    if os.path.exists(os.path.join(folder, "merges.txt")):
        return
    captions = read_captions(state)[: settings["tokenizer"]["captions"]]
    merges = learn_merges(captions, settings["tokenizer"]["merges"])
    os.makedirs(folder, exist_ok=True)
    Tokenizer(vocabulary(merges), merges).save(folder)
    print(f"tokenizer {len(merges)} merges from {len(captions)} captions", flush=True)


def sample_sheet(state, settings, device, arguments):
    from sampler import decode, sample
    from tensors import sheet, write_png
    from train_unet import PREVIEW, Progress
    from train_vae import load_vae

    progress = Progress(state, settings, device)
    progress.average.swap()
    networks = {"text_encoder": progress.text, "unet": progress.unet}
    prompts = arguments.prompts or list(PREVIEW)
    latent = sample(
        networks,
        progress.tokenizer,
        prompts,
        arguments.negative,
        arguments.size,
        arguments.steps,
        arguments.guidance,
        arguments.seed,
        arguments.method,
    )
    pictures = decode(load_vae(state, settings, device), latent, progress.scale)
    write_png(
        arguments.output or os.path.join(state, "sample.png"), sheet(pictures, min(len(prompts), 6))
    )


def export_now(state, settings, device, output):
    from export import export
    from train_unet import Progress
    from train_vae import load_vae

    progress = Progress(state, settings, device)
    if progress.scale is None:
        sys.exit("export: no trained UNet yet")
    progress.average.swap()
    networks = {
        "text_encoder": progress.text,
        "unet": progress.unet,
        "vae": load_vae(state, settings, device),
    }
    export(
        output or os.path.join(state, "export"),
        settings,
        networks,
        progress.tokenizer,
        progress.scale,
    )


def main():
    arguments = read_arguments()
    settings, state = read_settings(arguments), arguments.state
    os.makedirs(state, exist_ok=True)
    import torch

    torch.set_num_threads(settings["threads"])
    device = torch.device(arguments.device)
    wanted = STAGES[1:8] if arguments.stage == "all" else (arguments.stage,)
    for stage in wanted:
        if stage == "data":
            from dataset import make_data

            make_data(state, settings, arguments.processes)
        elif stage == "tokenizer":
            learn_tokenizer(state, settings)
        elif stage == "vae":
            from train_vae import train_vae

            train_vae(state, settings, device)
        elif stage == "decoder":
            from train_vae import train_vae

            train_vae(state, settings, device, decoder_only=True)
        elif stage == "latents":
            from train_unet import encode_latents

            first = settings["unet"]["stages"][0]
            encode_latents(state, settings, device, first["size"], first["pictures"])
        elif stage == "unet":
            from train_unet import train_unet

            train_unet(state, settings, device)
        elif stage == "export":
            export_now(state, settings, device, arguments.output)
        elif stage == "sample":
            sample_sheet(state, settings, device, arguments)
        elif stage == "evaluate":
            from train_unet import evaluate

            evaluate(state, settings, device)


if __name__ == "__main__":
    main()
