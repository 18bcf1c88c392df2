"""Every action that is no plain value, and options that share a dest."""

import argparse as ap


class Doubled(ap.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, 2 * values)


def build_parser():
    p = ap.ArgumentParser()
    kind = p.add_mutually_exclusive_group()
    kind.add_argument("--sgd", dest="optimizer", action="store_const", const="sgd", default="sgd")
    kind.add_argument("--adam", dest="optimizer", action="store_const", const="adam")
    kind.add_argument("--lion", dest="optimizer", action="store_const", const="lion")
    p.add_argument("--wide", action="store_const", const=64, default=32)
    p.add_argument("--boost", action="store_const", const=2.5)
    switch = p.add_mutually_exclusive_group(required=False)
    switch.add_argument("--bias", dest="bias", action="store_true", default=True)
    switch.add_argument("--no-bias", dest="bias", action="store_false")
    p.add_argument("--no-residual", dest="residual", action="store_false")
    p.add_argument("--skip", action="store_true", default=None)
    p.add_argument("--block", action="append", type=int)
    p.add_argument("--tag", action="append", default=["base"])
    p.add_argument("--more", action="extend", nargs="+", type=float, default=[0.1])
    p.add_argument("--relu", dest="activations", action="append_const", const="relu")
    p.add_argument("-x", "-y", type=float, default=0.5)
    p.add_argument("--doubled", action=Doubled, type=int, default=3)
    p.add_argument("--one", choices=["only"], default="only")
    p.add_argument("--depth", type=int, choices=range(1, 5), default=2)
    p.add_argument("--percent", type=int, choices=range(0, 101, 5), default=50)
    p.add_argument("--rate", type=float, choices=[0.1, 0.01], default=0.1)
    p.add_argument("--odd", choices=["a", "b"], default="auto")
    p.add_argument("--switch", type=int, choices=[0, 1], default=1)
    p.add_argument("--multi", nargs="+", choices=["x", "y"], default=["x"])
    p.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return p
