# Freezes nullwatt into a firmware, main.py included: the board then starts it without any file but config.json.
#
#     make FROZEN_MANIFEST=.../micropython/manifest.py USER_C_MODULES=.../micropython/native
#
# What the port freezes stays frozen; a board with a manifest of its own comes first.


def include_port():
    """Include what this board would freeze without us; on unix, asyncio alone is enough."""
    places = (
        "$(BOARD_DIR)/manifest.py",
        "$(PORT_DIR)/boards/manifest.py",
        "$(MPY_DIR)/extmod/asyncio",
    )
    failures = []
    for place in places:
        try:
            include(place)  # noqa: F821
            return
        except Exception as error:  # it is not there, or lacks what it needs
            failures.append(f"{place}: {error}")
    raise Exception("; ".join(failures))


include_port()
package("nullwatt")  # noqa: F821
module("main.py")  # noqa: F821
