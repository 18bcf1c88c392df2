"""Shaped like PyTorch's REINFORCE: constants of the module and of a function, and arithmetic."""

import argparse

HIDDEN = 2**7
EPISODES, LENGTH = 1000, 200
RATE: float = 1e-2
STEPS = [1, 2, 4]
GROWING = [1]
GROWING.append(2)
TWICE = 1
TWICE = 2
MAYBE = 3
if HIDDEN:
    INSIDE = 3


class Defaults:
    """Constants in a class."""

    eps = 1e-8
    layers = (32, 64)


def grow():
    global MAYBE
    MAYBE = 4


def build_parser():
    momentum = 1 - 0.1
    parser = argparse.ArgumentParser(description="REINFORCE", prefix_chars="-+")
    parser.add_argument("--gamma", type=float, default=0.99, metavar="G", help="discount factor")
    parser.add_argument("--seed", type=int, default=543, metavar="N")
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--log-interval", type=int, default=10, metavar="N")
    parser.add_argument("--hidden", type=int, default=HIDDEN)
    parser.add_argument("--halved", type=int, default=HIDDEN // 2)
    parser.add_argument("--lr", type=float, default=RATE)
    parser.add_argument("--momentum", type=float, default=momentum)
    parser.add_argument("--minutes", type=int, default=5 * 60)
    parser.add_argument("--penalty", type=float, default=-0.5)
    parser.add_argument("--offset", type=int, default=-3)
    parser.add_argument("--eps", type=float, default=Defaults.eps)
    parser.add_argument("--layers", type=int, nargs="+", default=Defaults.layers)
    parser.add_argument("--horizon", type=int, default=len(STEPS) * STEPS[-1])
    parser.add_argument("--limit", type=float, default=float("inf"))
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--growing", type=int, nargs="*", default=GROWING)
    parser.add_argument("--twice", type=int, default=TWICE)
    parser.add_argument("--maybe", type=int, default=MAYBE)
    parser.add_argument("--inside", type=int, default=INSIDE)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("-q", action="count")
    parser.add_argument("--version", action="version", version="1.0")
    parser.add_argument("++boost", type=int, default=3)
    return parser


if __name__ == "__main__":
    args = build_parser().parse_args()
