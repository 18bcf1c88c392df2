"""Several commands in one script: parents, a variable used again, defaults that a parser sets."""

import argparse


def run_train(args):
    print(args.lr, args.depth)


def run_eval(args):
    print(args.checkpoint)


def build_parser():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=0)
    common.add_argument("--width", type=int, default=32)

    parser = argparse.ArgumentParser(description="trains and evaluates")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.set_defaults(momentum=0.95, flavour="plain", steps=7)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--depth", type=int, default=4)
    commands = parser.add_subparsers(dest="command", required=True)

    sub = commands.add_parser("train", parents=[common], help="trains a model")
    sub.add_argument("--lr", type=float, default=0.1)
    group = sub.add_argument_group("regularization")
    group.add_argument("--dropout", type=float, default=0.5)
    sub.set_defaults(func=run_train, lr=0.01)

    sub = commands.add_parser("eval", parents=[common])
    sub.add_argument("checkpoint", type=str)
    sub.add_argument("--lr", type=float, default=0.3)
    sub.add_argument("--split", choices=["val", "test"], default="val")
    sub.add_mutually_exclusive_group().add_argument("--top-k", type=int, default=5)
    sub.set_defaults(func=run_eval)
    return parser


if __name__ == "__main__":
    arguments = build_parser().parse_args()
    arguments.func(arguments)
