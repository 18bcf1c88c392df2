"""Names that a class can't have as they are, and texts that a file must not trip over."""

import argparse


def build_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lambda", type=float, default=0.01)
    parser.add_argument("--class", default="a", choices=["a", "b"])
    parser.add_argument("--copy", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--space", type=int, default=8)
    parser.add_argument("--float", type=float, default=2.0)
    parser.add_argument("--_hidden", type=int, default=4)
    parser.add_argument("--2d", action="store_true")
    parser.add_argument("in-file", nargs="?", default='it\'s "quoted"')
    parser.add_argument("--in_file", default="b\\c\n{d}")
    parser.add_argument("--clash", choices=["None", "none", "linear"], default="linear")
    parser.add_argument("--same", choices=["1", 1.0], default="1")
    parser.add_argument(
        "--many",
        choices=[
            *("convolutional", "recurrent", "attention", "feedforward", "convolutional-large"),
            *("recurrent-large", "attention-large", "feedforward-large"),
        ],
        default="recurrent-large",
    )
    parser.add_argument(
        "--long",
        type=int,
        default=16,
        help="""A help over several lines, with "quotes", a backslash \\ and triple \"\"\" marks,
        with {braces}, an umlaut ü, and # signs: so long that it can't stand in one line.""",
    )
    parser.add_argument("--x", type=int, default=True, help=f"in {parser.prog}")
    parser.add_argument("pos", help="required, without a type")
    parser.add_argument("several", nargs="+", type=int)
    parser.add_argument("others", nargs="*", type=float)
    parser.add_argument("--model_dump_every", type=int, default=2)
    return parser
