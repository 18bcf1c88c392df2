"""Shaped like a script for Transformers: switches with a --no- form, types of its own, lists."""

import argparse
import pathlib
from argparse import BooleanOptionalAction
from pathlib import Path


def str2bool(text):
    return text.lower() in ("yes", "true", "1")


def sizes(text):
    return [int(part) for part in text.split(",")]


def build_parser():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--nesterov", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--bias", action=BooleanOptionalAction)
    parser.add_argument("--fp16", action=BooleanOptionalAction, default=False)
    parser.add_argument("--amsgrad", type=str2bool, default=False, nargs="?", const=True)
    parser.add_argument("--centered", type=lambda text: text == "yes", default=True)
    parser.add_argument("--shuffle", type=bool, default=True)
    parser.add_argument("--norm", type=str2bool, default="yes")
    parser.add_argument("--widths", type=sizes, default="64,64")
    parser.add_argument("--depths", type=sizes, default=None)
    parser.add_argument("--scale", type=lambda text: float(text), default=0.5)
    parser.add_argument("--learning_rate", type=float, default="5e-5")
    parser.add_argument("--per_device_train_batch_size", type=int, default="8")
    parser.add_argument("--max_length", type=int, default=1.28e2)
    parser.add_argument("--warmup", type=int, default=0.1)
    parser.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.999))
    parser.add_argument("--milestones", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--mixed", nargs="*", type=float, default=[1, 0.5])
    parser.add_argument("--layers", nargs="*", type=int)
    parser.add_argument("--texts", nargs=argparse.ZERO_OR_MORE, default=["a"])
    parser.add_argument("--output_dir", type=Path, default=Path("out"))
    parser.add_argument("--cache_dir", type=pathlib.Path, default="~/cache")
    parser.add_argument("--log_dir", type=pathlib.Path)
    parser.add_argument("--optim", type=str.lower, choices=["adamw", "sgd"], default="AdamW")
    parser.add_argument("--scheduler", choices=("linear", "cosine"), default=None)
    parser.add_argument("--label_smoothing_factor", type=float, default=0)
    parser.add_argument("--hidden", default=argparse.SUPPRESS, type=int)
    parser.add_argument("--config", type=argparse.FileType("r"))
    parser.add_argument("--untyped", default=12)
    parser.add_argument("--text", type=str, default=5)
    parser.add_argument("--table", default={"a": 1})
    parser.add_argument("--secret", default=3, type=int, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    return parser
