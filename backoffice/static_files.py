"""The static files of production: under names with a hash of their content, gzipped once, kept by browsers for ever."""

from django.conf import settings
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """What our scripts import gets the same name as in a page, too; under another it would be loaded, and run, twice.

    Django's own `support_js_module_import_aggregation` reads the comments of other packages' scripts as imports.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.urls = {}

    def url(self, name, force=False):
        """The address of a file, made once: a page asks for seven, and they hold as long as the process."""
        if settings.DEBUG or force:
            return super().url(name, force)
        if name not in self.urls:
            self.urls[name] = super().url(name)
        return self.urls[name]

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "backoffice/*.js",
            ((r"""(?P<matched>(?P<word>from |import\()"(?P<url>\./\w+\.js)")""", """%(word)s"%(url)s\""""),),
        ),
    )
