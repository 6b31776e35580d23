"""Links from Dagster to the pages of the gateway, as the home's settings give its address.

Add here a page that an asset or a check leads to; the addresses are made in `ratchet/storage/links.py`.
"""

import dagster as dg

from ratchet.config.home_settings import HomeSettings
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings
from ratchet.storage.links import Links


def links_to_pages(home: Home, cycle: Cycle) -> dict[str, dg.UrlMetadataValue]:
    """Return links to the week's report, the rollout and the review. Settings that cannot be read have the defaults."""
    try:
        links = Links(read_home_settings(home))
    except RatchetError:
        links = Links(HomeSettings())
    name = cycle.classifier
    return {
        "report page": dg.MetadataValue.url(links.report(name, cycle.week)),
        "rollout": dg.MetadataValue.url(links.rollout(name)),
        "review": dg.MetadataValue.url(links.review(name)),
    }
