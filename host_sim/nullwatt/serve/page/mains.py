"""The mains: what they are like, and the button that cuts them."""

import math
from collections.abc import Mapping

from ..state import State
from ..watched import HouseControl
from .live import Value, there
from .session import Session
from .tags import SUBMITTED, button, choice, tag
from .words import duration, number, phase

#: Minutes that a cut may last; none = until somebody restores them.
_LASTING = {"": "until I restore them", "1": "for 1 minute", "10": "for 10 minutes", "60": "for 1 hour"}


class Mains:
    """The card of one browser; made only where there may be a simulated house."""

    def __init__(self, session: Session) -> None:
        self._session = session
        house = session.watched.house
        with tag("div", "card mains", live="mains", test="mains"):
            with tag("div", "card-head"):
                tag("h2", "", "Mains")
                tag("span", "sum", live="mains-now", test="mains-now")
            tag("p", "quiet", live="mains-words", test="mains-words")
            if house is not None:
                self._orders(house)

    def _orders(self, house: HouseControl) -> None:
        order = self._session.order

        def cut(form: object) -> None:
            minutes = form.get("minutes") if isinstance(form, Mapping) else None
            duration_s = float(minutes) * 60.0 if minutes and minutes in _LASTING else math.inf
            order(lambda: house.cut_mains(duration_s))

        with tag("form", "setting", live="mains-cut") as form:
            choice("Take them away", "minutes", _LASTING)
            tag("button", "btn", "Cut the mains", type="submit", test="cut-mains")
        form.on("submit", lambda event: cut(event.args), js_handler=SUBMITTED)
        with tag("div", "setting", live="mains-restore"):
            tag("span", "", "They were cut by hand")
            button("Restore", lambda _: order(house.restore_mains), "btn-main", "restore-mains")

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        mains = state.mains
        shown: dict[str, Value] = {"mains": there(mains is not None)}
        if mains is None:
            return shown
        shown["mains-now"] = f"{number(mains.voltage)} V, {number(mains.frequency, 2)} Hz" if mains.on else "off"
        back = ""
        if mains.until_s is not None and state.time is not None:
            back = f" They are back in {duration(mains.until_s - state.time.now_s)}."
        lit = ", ".join(map(phase, mains.lit))
        dark = f"Off; {f'{lit} from an island' if lit else 'nothing has power'}.{back}"
        shown["mains-words"] = "They are there." if mains.on else dark
        shown["mains-cut"], shown["mains-restore"] = there(not mains.cut), there(mains.cut)
        return shown
