"""Shaped like PyTorch's DCGAN: `opt`, camel case, required options and several of no type."""

from argparse import ArgumentParser


def build_parser():
    parser = ArgumentParser()
    parser.add_argument(
        "--dataset", required=True, help="cifar10 | lsun | mnist |imagenet | folder | lfw | fake"
    )
    parser.add_argument("--dataroot", required=False, help="path to dataset")
    parser.add_argument("--workers", type=int, help="number of data loading workers", default=2)
    parser.add_argument("--batchSize", type=int, default=64, help="input batch size")
    parser.add_argument("--imageSize", type=int, default=64)
    parser.add_argument("--nz", type=int, default=100, help="size of the latent z vector")
    parser.add_argument("--ngf", type=int, default=64)
    parser.add_argument("--niter", type=int, default=25, help="number of epochs to train for")
    parser.add_argument("--lr", type=float, default=0.0002, help="learning rate, default=0.0002")
    parser.add_argument("--beta1", type=float, default=0.5, help="beta1 for adam. default=0.5")
    parser.add_argument("--cuda", action="store_true", default=False, help="enables cuda")
    parser.add_argument("--ngpu", type=int, default=1, help="number of GPUs to use")
    parser.add_argument("--netG", default="", help="path to netG (to continue training)")
    parser.add_argument("--outf", default=".", help="folder to output images")
    parser.add_argument("--manualSeed", type=int, help="manual seed")
    parser.add_argument("--loss", choices=["bce", "wgan"], required=True)
    parser.add_argument("--clamp", type=float, required=True)
    parser.add_argument("kernel", type=int, choices=(3, 5))
    return parser


if __name__ == "__main__":
    opt = build_parser().parse_args()
    print(opt)
    torch_lr = opt.lr
    print(opt.beta1, opt.manualSeed)
