"""What a browser or mobile SDK fetches before it sends: settings, source config, scripts."""

from tekil.collect.browser.rules import rudder_source_config, segment_settings
from tekil.collect.browser.script import analytics_script, bundle, compressed_script

__all__ = [
    "analytics_script",
    "bundle",
    "compressed_script",
    "rudder_source_config",
    "segment_settings",
]
