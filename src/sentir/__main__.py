"""``python -m sentir``, for those who start Python themselves, as ``torchrun -m sentir`` does."""

from sentir.cli import main

if __name__ == "__main__":
    main()
