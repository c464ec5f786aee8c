"""How the server and the worker end when the `manage.py run` that started them is gone."""

import os
import signal
import threading
import time

PARENT = "BACK_OFFICE_PARENT"


def end_with_parent():
    """Ends this process soon after its parent, however that ended; does nothing when started by hand."""
    parent = int(os.environ.get(PARENT, 0))

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent:
        threading.Thread(target=watch, daemon=True).start()
