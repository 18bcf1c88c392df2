"""Options in functions and classes, enumerations, and names that only running can tell."""

import enum
from argparse import ArgumentParser as Parser
from enum import Enum

BLOCKS = {"basic": len, "bottleneck": max}
NORMS = ("batch", "layer")
COMMON = {"type": int, "default": 3}


class Color(Enum):
    """Plain."""

    RED = "red"
    GREEN = "green"


class Size(enum.StrEnum):
    """Of texts."""

    SMALL = "s"
    LARGE = "l"


class Model:
    """Adds its own options."""

    @staticmethod
    def add_model_specific_args(parent_parser):
        parser = parent_parser.add_argument_group("Model")
        parser.add_argument("--encoder_layers", type=int, default=12)
        return parent_parser


def add_data(parser, default="mnist"):
    parser.add_argument("--data-name", default=default)


def get_args(parser):
    rate = 3e-4
    choices = [*NORMS, "none"]
    parser.add_argument("--color", type=Color, choices=list(Color), default=Color.RED)
    parser.add_argument("--paint", type=Color, default="green")
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.LARGE.value)
    parser.add_argument("--grade", choices=[size.name for size in Size], default="SMALL")
    parser.add_argument("--block", choices=BLOCKS.keys(), default="basic")
    parser.add_argument("--cell", choices=list(BLOCKS), default=next(iter(BLOCKS)))
    parser.add_argument("--norm", choices=NORMS, default=NORMS[0])
    parser.add_argument("--other", choices=choices, default="none")
    parser.add_argument("--sorted", choices=sorted({"b", "a"}), default="a")
    parser.add_argument("--lr", type=float, default=rate)
    parser.add_argument(*("--starred",), type=int, default=1)
    parser.add_argument("--common", **COMMON)
    for name in ("alpha", "beta"):
        parser.add_argument("--" + name, type=float, default=0.5)
        parser.add_argument(f"--no-{name}", action="store_true")
    return parser


def build_parser():
    parser = Parser(add_help=False)
    Model.add_model_specific_args(parser)
    add_data(parser)
    return get_args(parser)


def parse():
    return build_parser().parse_known_args()


if __name__ == "__main__":
    settings, _ = parse()
    print(settings.lr, settings.color)
    if settings.lr:
        print(settings.encoder_layers)
