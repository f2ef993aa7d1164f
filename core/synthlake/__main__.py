"""``python -m synthlake``."""

from synthlake.cli import main

if __name__ == "__main__":
    main()
