"""The static files of production: under names with a hash of their content, gzipped once, kept by browsers for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """What our scripts import gets the same name as in a page, too; under another it would be loaded, and run, twice.

    Django's own `support_js_module_import_aggregation` reads the comments of other packages' scripts as imports.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "backoffice/*.js",
            ((r"""(?P<matched>(?P<word>from |import\()"(?P<url>\./\w+\.js)")""", """%(word)s"%(url)s\""""),),
        ),
    )
