"""``python -m sentir`` is the command line."""

from sentir.cli import main

if __name__ == "__main__":
    main()
