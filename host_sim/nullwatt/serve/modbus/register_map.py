"""Register maps: which register holds what, as YAML files in the format of dertwin.

    registers:
      - {name: system_soc, address: 32002, func: 4, direction: read, type: uint16, count: 1, scale: 0.1, unit: "%"}

A `read` register shows the telemetry called `name`; a `write` register gives the command called `internal_name`.
Whatever is wrong in a file ends in one `RegisterMapError` of a single line: file, register, value, what is allowed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from nullwatt.home import ConfigError, broken_rule, check_document, read_document

from .codec import Codec, Endian, RegisterType, words_of

#: Function code of a discrete input, a holding register, an input register.
DISCRETE, HOLDING, INPUT = 2, 3, 4

SHIPPED_FOLDER = Path(__file__).parent / "register_maps"
#: The map of each type of asset, by the name its file has in dertwin.
SHIPPED: Mapping[str, str] = {
    "bess": "bess_modbus.yaml",
    "inverter": "pv_inverter_modbus.yaml",
    "chp": "chp_modbus.yaml",
    "energy_meter": "energy_meter_modbus.yaml",
}


class RegisterMapError(ConfigError):
    """A register map that cannot be used. `str()` is one line for the person who wrote it."""


_Name = Annotated[str, Field(min_length=1)]


class _RegisterSection(BaseModel):
    """One entry of `registers`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: _Name
    internal_name: _Name | None = None
    address: Annotated[int, Field(ge=0, le=65535)]
    func: Literal[2, 3, 4, 6, 16]
    direction: Literal["read", "write"]
    type: RegisterType
    count: Literal[1, 2]
    scale: FiniteFloat = 1.0
    endian: Endian = "big"
    unit: str | None = None
    options: Any = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """One value and where it is."""

    name: str
    internal_name: str
    address: int
    func: int
    direction: Literal["read", "write"]
    codec: Codec
    unit: str = ""
    description: str = ""

    @property
    def count(self) -> int:
        """Words it takes."""
        return words_of(self.codec.kind)

    @property
    def table(self) -> int:
        """The function code that reads it: of what is written too, the holding registers."""
        return HOLDING if self.direction == "write" else self.func

    @property
    def addresses(self) -> range:
        """Of all its words."""
        return range(self.address, self.address + self.count)


@dataclass(frozen=True)
class RegisterMap:
    """The registers of one type of device, in the order of the file."""

    file: str
    registers: tuple[Register, ...]

    def __iter__(self) -> Iterator[Register]:
        return iter(self.registers)

    def __getitem__(self, name: str) -> Register:
        """The register of a name."""
        return next(register for register in self.registers if register.name == name)


def load_register_map(path: Path | str) -> RegisterMap:
    """Read and check a file. Raises RegisterMapError, and nothing else."""
    try:
        return parse_register_map(read_document(path), str(path))
    except RegisterMapError:
        raise
    except ConfigError as error:
        raise RegisterMapError(str(error)) from None


@cache
def shipped_register_map(kind: str) -> RegisterMap:
    """The map of a type of asset: bess, inverter, chp or energy_meter. KeyError for another."""
    return load_register_map(SHIPPED_FOLDER / SHIPPED[kind])


def find_register_map(kind: str, written: str | None, path: Path) -> RegisterMap:
    """The map of an asset. Raises RegisterMapError.

    written: as in the site file, None = the type's own. path: the file that means. One that is not there but is called
    as a shipped one is that one: sites come with the names of maps and not always with the maps.
    """
    if written is None:
        return shipped_register_map(kind)
    if not path.exists() and Path(written).name in SHIPPED.values():
        return load_register_map(SHIPPED_FOLDER / Path(written).name)
    return load_register_map(path)


def parse_register_map(document: object, file: str = "register map") -> RegisterMap:
    """Check an already parsed document. Raises RegisterMapError; `file` opens its text."""
    if not isinstance(document, dict) or not isinstance(document.get("registers"), list):
        keys = f", it has {', '.join(map(str, document))}" if isinstance(document, dict) and document else ""
        raise RegisterMapError(f"{file}: must have the key registers with a list of registers{keys}")
    registers: list[Register] = []
    names: set[str] = set()
    taken: dict[tuple[str, int, int], Register] = {}
    for number, entry in enumerate(document["registers"], 1):
        called = entry.get("name") if isinstance(entry, dict) else None
        where = f"{file}: register {called if isinstance(called, str) and called else f'number {number}'}"
        register = _register(entry, where)
        if register.name in names:
            raise _broken(where, "name", register.name, "must be unique, another register has this name")
        names.add(register.name)
        for address in register.addresses:
            _claim(taken, register, address, where)
        registers.append(register)
    if not registers:
        raise RegisterMapError(f"{file}: registers = []: must not be empty")
    return RegisterMap(file, tuple(registers))


def _claim(taken: dict[tuple[str, int, int], Register], register: Register, address: int, where: str) -> None:
    """Take an address; RegisterMapError if another register of the same direction has it.

    The first words of two registers must not be the same whatever functions read them; the second word of one may be
    the first of another only where functions differ.
    """
    for key in ((register.direction, register.table, address), (register.direction, 0, address)):
        if key[1] == 0 and address != register.address:
            continue
        if key in taken:
            rule = f"must be unique per direction, {taken[key].name} has address {address}"
            raise _broken(where, "address", register.address, rule)
        taken[key] = register


def _register(entry: object, where: str) -> Register:
    try:
        section = check_document(_RegisterSection, entry, where, "name")
    except ConfigError as error:
        raise RegisterMapError(str(error)) from None
    words = words_of(section.type)
    if section.count != words:
        raise _broken(where, "count", section.count, f"must be {words} for the type {section.type}")
    if section.scale == 0:
        raise _broken(where, "scale", section.scale, "must not be 0")
    if section.address + words > 65536:
        raise _broken(where, "address", section.address, "must be at most 65534 for a 32-bit type")
    funcs = (6, 16) if section.direction == "write" else (DISCRETE, HOLDING, INPUT)
    if section.func not in funcs:
        allowed = " or ".join(map(str, funcs)) if section.direction == "write" else "2, 3 or 4"
        raise _broken(where, "func", section.func, f"must be {allowed} for the direction {section.direction}")
    if section.func == DISCRETE and words != 1:
        raise _broken(where, "type", section.type, "must be uint16 or int16 for a discrete input (func 2)")
    return Register(
        section.name,
        section.internal_name or section.name,
        section.address,
        section.func,
        section.direction,
        Codec(section.type, section.scale, section.endian),
        section.unit or "",
        section.description or "",
    )


def _broken(where: str, key: str, value: object, rule: str) -> RegisterMapError:
    return RegisterMapError(str(broken_rule(where, key, value, rule)))
