import sys

from services.images.main import main

sys.exit(main())
