"""What every part of a house file is made of: strict models and the few types their keys have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

#: Nothing in a house is larger; beyond it sums would end in infinity.
HUGE = 1e12

Number = Annotated[FiniteFloat, Field(ge=-HUGE, le=HUGE)]
NotNegative = Annotated[FiniteFloat, Field(ge=0, le=HUGE)]
Positive = Annotated[FiniteFloat, Field(gt=0, le=HUGE)]
Unit = Annotated[FiniteFloat, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
Phase = Literal["A", "B", "C"]
AnyPhase = Literal["A", "B", "C", "D"]


class Section(BaseModel):
    """Strict: "5" is not a number and true is not 1. A file that needs guessing is a file with a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
