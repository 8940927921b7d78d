import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weasel.settings")
application = get_wsgi_application()

# The project's processes go on while root works in their folders.
from django.conf import settings  # noqa: E402 - known only now

from .plant import start  # noqa: E402 - known only now

start(settings.MEDIA_ROOT)
