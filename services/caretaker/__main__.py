import sys

from services.caretaker.main import main

sys.exit(main())
