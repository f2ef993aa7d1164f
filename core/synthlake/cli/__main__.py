"""``python -m synthlake.cli``."""

from synthlake.cli import main

if __name__ == "__main__":
    main()
