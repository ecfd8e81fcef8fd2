"""``python -m pathcall`` is the command `pathcall`."""

from pathcall.command.cli import main

if __name__ == "__main__":
    main()
