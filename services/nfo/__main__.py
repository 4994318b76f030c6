import sys

from services.nfo.main import main

sys.exit(main())
