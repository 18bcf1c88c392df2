"""Shaped like PyTorch's word language model: no action without a type, groups, joined texts."""

import argparse


def add_model_options(parser):
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        type=str,
        default="LSTM",
        help="type of network (RNN_TANH, RNN_RELU, LSTM, GRU, Transformer)",
    )
    model.add_argument("--emsize", type=int, default=200, help="size of word embeddings")
    model.add_argument("--nhid", type=int, default=200)
    model.add_argument("--nlayers", type=int, default=2)
    model.add_argument("--nhead", type=int, default=2)
    model.add_argument("--dropout", type=float, default=0.2, help="0 = no dropout")
    model.add_argument("--tied", action="store_true", help="tie the weights")


def build_parser():
    parser = argparse.ArgumentParser(description="PyTorch Wikitext-2 Language Model")
    add_model_options(parser)
    parser.add_argument("--data", type=str, default="./data/wikitext-2")
    parser.add_argument("--lr", type=float, default=20, help="initial learning rate")
    parser.add_argument("--clip", type=float, default=0.25, help="gradient clipping")
    parser.add_argument("--epochs", type=int, default=40, help="upper epoch limit")
    parser.add_argument("--batch_size", type=int, default=20, metavar="N")
    parser.add_argument("--bptt", type=int, default=35, help="sequence length")
    parser.add_argument("--log-interval", type=int, default=200)
    parser.add_argument("--save", type=str, default="model.pt")
    parser.add_argument("--onnx-export", type=str, default="")
    parser.add_argument("--wdecay", type=float, default=1.2e-6)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--lr-decay", type=float, default=0.25, help="100%% of (%(default)s)")
    return parser


args = build_parser().parse_args([])
print(args.emsize, args.nhid)
