"""The time bar: pause, pace, single steps."""

from functools import partial

from ..state import State
from ..timing import TimeControl
from .live import Value, attribute, there
from .session import Session
from .tags import button, icon, tag
from .words import duration, time_of_day

SCALES = (1, 10, 60, 100, 1000)
STEPS_S = (1, 10, 60)


class TimeBar:
    """The time bar of one browser; made only where time can be moved."""

    def __init__(self, session: Session, clock: TimeControl) -> None:
        self._session = session
        self._clock = clock
        with tag("div", "time-bar", role="group", aria_label="Simulated time"):
            with tag("button", "btn btn-round", live="pause", test="pause", type="button") as pause:
                with tag("span", "when-running"):
                    icon("pause")
                with tag("span", "when-paused"):
                    icon("play")
            pause.on("click", self._turn, js_handler="() => emit(null)")
            with tag("span", "clock", test="clock"):
                tag("span", "clock-now", live="clock", test="clock-now")
                tag("span", "quiet", live="clock-since", test="clock-since")
            with tag("div", "segments", role="group", aria_label="Pace"):
                for scale in SCALES:
                    one = tag(
                        "button",
                        "",
                        f"{scale}\N{MULTIPLICATION SIGN}",
                        f"scale:{scale}",
                        f"scale-{scale}",
                        type="button",
                    )
                    one.on("click", partial(self._pace, scale), js_handler="() => emit(null)")
            with tag("div", "steps", live="steps"):
                for seconds in STEPS_S:
                    button(f"+{seconds} s", partial(self._step, seconds), "btn-small", f"step-{seconds}")

    def _turn(self, _: object) -> None:
        self._session.order(self._clock.resume if self._clock.paused else self._clock.pause)

    def _pace(self, scale: float, _: object) -> None:
        self._session.order(lambda: self._clock.set_factor(scale))

    def _step(self, seconds: float, _: object) -> None:
        self._session.order(lambda: self._clock.step(seconds))

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        clock = self._clock
        since = duration(clock.now_s)
        hour = None if state.time is None else state.time.hour
        shown: dict[str, Value] = {
            "pause": attribute(
                aria_label="Go on" if clock.paused else "Pause", data_state="paused" if clock.paused else "running"
            ),
            "clock": since if hour is None else time_of_day(hour),
            "clock-since": {"t": f"{since} so far", **there(hour is not None)},
            "steps": there(clock.paused),
        }
        for scale in SCALES:
            shown[f"scale:{scale}"] = attribute(aria_pressed="true" if clock.factor == scale else "false")
        return shown
