import sys

from services.projector.main import main

sys.exit(main(sys.argv[1:]))
