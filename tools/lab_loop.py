#!/usr/bin/env python3
# Share of the peak rate that the main loop of a product reaches, counted in AMD's machine code.
"""lab_loop.py [--turns N] FILE...      files of `kiln compile --disassembly` from RADV

The main loop is the outermost one with the most products in it (v_wmma, v_dot2, v_fma). Everything
the vector unit issues in one turn is weighed as Mesa's own model does (aco_statistics.cpp): one cycle
for 32 lanes, a matrix product 32 cycles on GFX11 and 16 on GFX12. Loops inside count --turns times,
those in them as often again (shaders/matmul/tiled.glsl: 4). Memory, shared memory and scalars are issued beside the vector unit.
What runs once for each tap of a convolution lies behind a branch and is counted apart.
"""
import argparse
import re
from pathlib import Path

PRODUCT = re.compile(r"v_(wmma|dot2|fma|fmac|pk_fma|dual_fmac)")


def blocks_of(text):
    """[(name, [(operation, operands)])] of the last listing, which is the machine code."""
    blocks = []
    for line in text[text.rfind("BB0:"):].splitlines():
        label = re.match(r"(BB\d+):", line.strip())
        if label:
            blocks.append((label[1], []))
            continue
        found = re.match(r"\s+([sv]_\w+|ds_\w+|buffer_\w+)(.*)", line)
        if found and blocks:
            blocks[-1][1].append((found[1], found[2]))
    return blocks


def loops_of(blocks):
    """(first, last) for every branch backwards, by the number of the block."""
    number = {name: i for i, (name, _) in enumerate(blocks)}
    loops = set()
    for last, (_, body) in enumerate(blocks):
        for operation, operands in body:
            target = re.search(r"BB\d+", operands)
            if "branch" in operation and target and number.get(target[0], last + 1) <= last:
                loops.add((number[target[0]], last))
    return loops


def is_guarded(blocks, i):
    """Whether block i is skipped by a uniform branch of the block before, and neither multiplies nor
    loads: loads are skipped in the last turn alone."""
    before = blocks[i - 1][1]
    return (bool(before) and "s_cbranch_scc" in before[-1][0] and
            not any(PRODUCT.match(o) or o.startswith("buffer_") for o, _ in blocks[i][1]))


def count(text, turns):
    """(cycles of products, other vector instructions, those behind a branch) of one turn."""
    blocks = blocks_of(text)
    matrix = 16 if "s_barrier_signal" in text else 32  # GFX12 has split barriers
    product = re.compile("v_wmma") if "v_wmma" in text else PRODUCT
    best = (0, 0, 0)
    loops = loops_of(blocks)
    for first, last in loops:
        products = others = guarded = 0
        for i in range(first, last + 1):
            depth = sum(first <= a <= i <= b <= last for a, b in loops - {(first, last)})
            times = turns ** depth
            for operation, _ in blocks[i][1]:
                if product.match(operation):
                    products += times * (matrix if "wmma" in operation else 1)
                elif operation.startswith("v_"):
                    others += 0 if is_guarded(blocks, i) else times
                    guarded += times if is_guarded(blocks, i) else 0
        best = max(best, (products, others, guarded))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--turns", type=int, default=1, help="of loops inside the main one")
    options = parser.parse_args()
    for file in options.files:
        products, others, guarded = count(file.read_text(), options.turns)
        if products == 0:
            print(f"no products in a loop: {file.name}")
            continue
        share = products / (products + others)
        least = products / (products + others + guarded)
        print(f"{share:6.1%}, {least:6.1%} with all branches: {products} cycles of products, "
              f"{others} others, {guarded} behind branches  {file.name}")


if __name__ == "__main__":
    main()
