# PyTorch on the shapes and networks that a run of tools/bench/run measured: how many times as fast.
"""against_torch.py RUN [--device cuda] [--repeat 20] [--no-compile] [--output FILE]

RUN: the folder with JSON files that tools/bench/run left. Each matmul, convolution and attention of
kernels.json runs as torch.nn.functional has it (channels-last, cuDNN, scaled_dot_product_attention),
in float16 on a GPU and float32 on a CPU; each stages-*.json of synthetic:sd15 is compared with the
same networks in eager mode and, where it compiles, under torch.compile. Prints tables in Markdown, or
appends them to FILE. A CPU's Python with torch comes from tools/bundled/setup_torch.sh.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bundled"))

import autoencoder  # noqa: E402
import unet  # noqa: E402

SD15_UNET = {
    "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2, "norm_num_groups": 32,
    "norm_eps": 1e-5, "in_channels": 4, "out_channels": 4, "cross_attention_dim": 768,
    "attention_head_dim": 8, "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3}
SD15_VAE = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
            "norm_num_groups": 32, "in_channels": 3, "out_channels": 3, "latent_channels": 4}
TOKENS = 77


def fused_attend(query, key, value, heads, mask=None):
    """What blocks.attend computes, through the library's fused kernels."""
    batch, tokens, channels = query.shape
    q, k, v = (x.view(batch, -1, heads, channels // heads).transpose(1, 2)
               for x in (query, key, value))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).reshape(batch, tokens, channels)


class Torch:
    """A device, a type, and the median time of a function there in milliseconds."""

    def __init__(self, device, repeat):
        self.device, self.repeat = device, repeat
        self.type = torch.float16 if device == "cuda" else torch.float32

    def random(self, *shape):
        return torch.randn(*shape, device=self.device).to(self.type)

    def picture(self, images, height, width, channels):
        x = self.random(images, channels, height, width)
        return x.to(memory_format=torch.channels_last)

    def once(self, function):
        if self.device != "cuda":
            start = time.perf_counter()
            function()
            return 1e3 * (time.perf_counter() - start)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        function()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end)

    def median_ms(self, function):
        for _ in range(min(3, self.repeat)):
            function()
        return statistics.median(self.once(function) for _ in range(self.repeat))

    def title(self):
        name = torch.cuda.get_device_name() if self.device == "cuda" else "CPU"
        return f"PyTorch {torch.__version__}, {name}, {str(self.type).removeprefix('torch.')}"


def convolution(on, shape):
    words = shape.split()
    extents, outputs = words[0].split("->")
    images, height, width, channels = map(int, extents.split("x"))
    kernel = 1 if "k1" in words else 3
    stride = 2 if "s2" in words else 1
    scale = 2 if "up2" in words else 1
    one_sided = "right_bottom" in words
    x = on.picture(images, height, width, channels)
    weight = on.random(int(outputs), channels, kernel, kernel)
    weight = weight.to(memory_format=torch.channels_last)
    bias = on.random(int(outputs))

    def run():
        read = F.interpolate(x, scale_factor=scale, mode="nearest") if scale > 1 else x
        if one_sided:
            read = F.pad(read, (0, 1, 0, 1))
        return F.conv2d(read, weight, bias, stride, 0 if one_sided else kernel // 2)
    return run


def matmul(on, shape):
    if "->" in shape:
        return convolution(on, shape)
    rows, outputs, inputs = map(int, shape.split("x"))
    x, weight, bias = on.random(rows, inputs), on.random(outputs, inputs), on.random(outputs)
    return lambda: F.linear(x, weight, bias)


def attention(on, shape):
    words = shape.split()
    images, heads, queries, keys, size = map(int, words[0].split("x"))
    q, k, v = (on.random(images, tokens, heads, size).transpose(1, 2)
               for tokens in (queries, keys, keys))
    causal = "causal" in words
    return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal)


OPERATIONS = {"matmul": matmul, "conv": convolution, "attention": attention}


def compare_kernels(on, report):
    """Lines of a table; report: kernels.json."""
    yield "| operation | element | Kiln ms | PyTorch ms | Kiln is x times as fast |"
    yield "| --- | --- | --- | --- | --- |"
    sums = {}
    for row in report["kernels"]:
        if row["group"] not in OPERATIONS or row["wrong"]:
            continue
        ms = on.median_ms(OPERATIONS[row["group"]](on, row["shape"]))
        yield (f"| {row['set']} {row['group']} {row['shape']} | {row['element']} | {row['ms']:.3f} "
               f"| {ms:.3f} | {ms / row['ms']:.2f} |")
        both = sums.setdefault((row["set"], row["group"]), [0.0, 0.0])
        both[0] += row["count"] * row["ms"]
        both[1] += row["count"] * ms
    for (name, group), (mine, other) in sums.items():
        yield f"| **{name} {group}, all of a run** | | {mine:.2f} | {other:.2f} | {other / mine:.2f} |"


def networks(on, height, width):
    """Stage name to a function that runs what `kiln bench stages` does for synthetic:sd15."""
    def placed(network):
        network = network.to(on.device, on.type).eval()
        return network.to(memory_format=torch.channels_last)
    denoiser, vae = placed(unet.UNet(SD15_UNET)), placed(autoencoder.Autoencoder(SD15_VAE))
    latent = on.picture(2, height // 8, width // 8, 4)
    one = latent[:1].contiguous(memory_format=torch.channels_last)
    context, timestep = on.random(2, TOKENS, 768), torch.full((2,), 500.0, device=on.device)
    return {"denoise": (denoiser.forward, (latent, timestep, context)),
            "decode": (vae.decode, (one,))}


def compiled_ms(on, function, operands):
    """Median, and what to show of it; without a compiler for the device the reason alone."""
    try:
        made = torch.compile(function)
        ms = on.median_ms(lambda: made(*operands))
        return ms, f"{ms:.2f}"
    except Exception as error:  # torch.compile raises whatever its compilers do
        return float("inf"), f"does not compile: {type(error).__name__}"


def compare_stages(on, report, compiles):
    yield "| stage | Kiln ms | eager ms | compiled ms | Kiln is x times as fast as the better one |"
    yield "| --- | --- | --- | --- | --- |"
    made = networks(on, report["height"], report["width"])
    for row in report["stages"]:
        if row["stage"] not in made or row["variant"]:
            continue
        function, operands = made[row["stage"]]
        eager = on.median_ms(lambda: function(*operands))
        compiled, shown = float("inf"), "not asked for"
        if compiles:
            compiled, shown = compiled_ms(on, function, operands)
        best = min(eager, compiled)
        yield (f"| {row['key']} | {row['ms']:.2f} | {eager:.2f} | {shown} | "
               f"{best / row['ms']:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="folder of a run of tools/bench/run")
    parser.add_argument("--device", choices=("cuda", "cpu"),
                        default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--no-compile", action="store_true", help="eager mode alone")
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file to append to")
    options = parser.parse_args()
    on = Torch(options.device, options.repeat)
    autoencoder.attend = unet.attend = fused_attend
    kernels, stages = options.run / "kernels.json", sorted(options.run.glob("stages-*.json"))
    if not kernels.exists() and not stages:
        sys.exit(f"against_torch: {options.run} has neither kernels.json nor stages-*.json")
    lines = ["", f"## Beside {on.title()}", ""]
    with torch.inference_mode():
        if kernels.exists():
            lines += compare_kernels(on, json.loads(kernels.read_text()))
        for path in stages:
            report = json.loads(path.read_text())
            if report["model"] == "synthetic:sd15":
                lines += ["", *compare_stages(on, report, not options.no_compile)]
    text = "\n".join(lines) + "\n"
    if options.output:
        with options.output.open("a") as file:
            file.write(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
