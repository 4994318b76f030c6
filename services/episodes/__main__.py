import sys

from services.episodes.main import main

sys.exit(main())
