"""Assets that come and go while a site runs, each with its registers: all of a change, or nothing of it.

1. What has to be listened on is opened first; only then, within one step, does the site change. So nothing that stays
   misses a step or loses a connection.
2. A change that cannot be carried out is one error of one line, and leaves everything as it was.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nullwatt.home.der import Asset, AssetConfig, DerSite, SiteConfig, SiteConfigError

from .endpoints import Endpoints

#: Keys of a site file that a running site can take over.
_CHANGEABLE = {"assets", "site_name"}


class Change(NamedTuple):
    """What was done, by asset_id. changed: another device under the same id. rewired: the same on other wires."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    rewired: tuple[str, ...] = ()


class Roster:
    """The assets of a running site and what serves them. All of it raises EndpointError and RegisterMapError."""

    def __init__(self, site: DerSite, endpoints: Endpoints) -> None:
        self._site = site
        self._endpoints = endpoints
        self._turn = asyncio.Lock()

    async def add(self, config: AssetConfig) -> Change:
        """Connect an asset. SiteConfigError if its id is taken by another; if by the same, nothing happens."""
        async with self._turn:
            there = self._site.assets.get(config.asset_id or "")
            if there is not None:
                if there.config == config:
                    return Change()
                raise SiteConfigError(f"asset_id = {config.asset_id!r}: there is another asset of this id")
            return await self._become([*self._site.assets.values(), self._site.new_asset(config)])

    async def remove(self, asset_id: str) -> Change:
        """Disconnect an asset. ValueError (one line) if there is none of that id."""
        async with self._turn:
            gone = self._site.asset(asset_id)
            return await self._become([asset for asset in self._site.assets.values() if asset is not gone])

    async def reload(self, config: SiteConfig, name: str = "site") -> Change:
        """Have the assets of a site file.

        An asset whose section is the same goes on as it is; where only the protocols are others, the device does.
        Raises SiteConfigError for another key that differs; name opens its text.
        """
        async with self._turn:
            running = self._site.config
            for key in set(SiteConfig.model_fields) - _CHANGEABLE:
                if getattr(config, key) != getattr(running, key):
                    raise SiteConfigError(f"{name}: {key}: cannot change while the site runs; restart it")
            return await self._become(self._as_in(config.assets))

    def _as_in(self, sections: Sequence[AssetConfig]) -> list[Asset]:
        """The assets of these sections: those that are there as far as they fit, the others new."""
        left = list(self._site.assets.values())
        found: dict[int, Asset] = {}
        for fits in (_equal, _same_device):
            for index, section in enumerate(sections):
                asset = next((each for each in left if index not in found and fits(each, section)), None)
                if asset is not None:
                    left.remove(asset)
                    found[index] = asset if fits is _equal else self._site.rewired(asset, section)
        # Ids that are chosen before those that are given.
        for index in sorted(range(len(sections)), key=lambda each: sections[each].asset_id is None):
            if index not in found:
                found[index] = self._site.new_asset(sections[index])
        return [found[index] for index in range(len(sections))]

    async def _become(self, assets: list[Asset]) -> Change:
        before = dict(self._site.assets)
        after = {asset.asset_id: asset for asset in assets}
        if len(after) < len(assets):
            ids = [asset.asset_id for asset in assets]
            twice = next(each for each in ids if ids.count(each) > 1)
            raise SiteConfigError(f"asset_id = {twice!r}: there is another asset of this id")
        await self._endpoints.update(after, keep_going=False)
        self._site.set_assets(assets)
        return _difference(before, after)


def _equal(asset: Asset, config: AssetConfig) -> bool:
    return asset.config == config


def _same_device(asset: Asset, config: AssetConfig) -> bool:
    """Whether the sections differ in nothing but the protocols."""
    wires = {"protocols": ()}
    return asset.config.model_copy(update=wires) == config.model_copy(update=wires)


def _difference(before: Mapping[str, Asset], after: Mapping[str, Asset]) -> Change:
    both = [asset_id for asset_id in after if asset_id in before and after[asset_id] is not before[asset_id]]
    return Change(
        tuple(asset_id for asset_id in after if asset_id not in before),
        tuple(asset_id for asset_id in before if asset_id not in after),
        tuple(asset_id for asset_id in both if after[asset_id].device is not before[asset_id].device),
        tuple(asset_id for asset_id in both if after[asset_id].device is before[asset_id].device),
    )
