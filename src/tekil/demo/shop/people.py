"""Who the shop's people are: drawn once, from a seed, before anything happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tekil.demo.shop import names
from tekil.demo.shop.devices import new_browser, new_install, new_kiosk
from tekil.demo.shop.model import (
    AMERICA,
    BRITAIN,
    TURKEY,
    Browser,
    Habit,
    Install,
    Market,
    Person,
    Reach,
)

_HABITS: dict[Reach, tuple[tuple[float, Habit], ...]] = {
    Reach.REGISTERED: (
        (0.05, Habit.VIP), (0.25, Habit.LOYAL), (0.54, Habit.OCCASIONAL), (0.64, Habit.SEASONAL),
        (0.78, Habit.LAPSED), (0.92, Habit.ABANDONER), (1.0, Habit.BROWSER)),
    Reach.GUEST: (
        (0.60, Habit.OCCASIONAL), (0.82, Habit.SEASONAL), (1.0, Habit.LAPSED)),
    Reach.STORE: (
        (0.04, Habit.VIP), (0.26, Habit.LOYAL), (0.72, Habit.OCCASIONAL), (0.84, Habit.SEASONAL),
        (1.0, Habit.LAPSED)),
    Reach.ANONYMOUS: ((0.18, Habit.ABANDONER), (1.0, Habit.BROWSER)),
}  # fmt: skip
_REACH = (
    (0.56, Reach.REGISTERED),
    (0.74, Reach.GUEST),
    (0.85, Reach.STORE),
    (1.0, Reach.ANONYMOUS),
)
FORGETFUL = 0.012
"""Share of second browsers on which the owner never signs in."""
SHARED_HOMES = 0.05
"""Share of registered people who share the computer at home with the next one or two."""


@dataclass(slots=True)
class Register:
    """What has been handed out, so that no two people get the same."""

    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Population:
    """Everybody, and the devices that belong to nobody."""

    people: list[Person]
    kiosks: list[Browser]
    register: Register


def pick(rng: Random, choices: tuple[tuple[float, Habit], ...]) -> Habit:
    """Draw from a table of cumulative shares."""
    value = rng.random()
    return next(choice for share, choice in choices if value < share)


def populate(rng: Random, count: int) -> Population:
    """Draw everybody."""
    register = Register()
    people = [_person(rng, number, register) for number in range(count)]
    _share_homes(rng, people)
    kiosks = [new_kiosk(rng, TURKEY) for _ in range(max(1, count // 5000))]
    return Population(people, kiosks, register)


def _person(rng: Random, number: int, register: Register) -> Person:
    random = rng.random
    value = random()
    market = TURKEY if value < 0.62 else BRITAIN if value < 0.82 else AMERICA
    value = random()
    reach = next(kind for share, kind in _REACH if value < share)
    first, last, female = _name(rng, market)
    city, districts = names.PLACES[market.code][
        int(random() ** 1.6 * len(names.PLACES[market.code]))
    ]
    birth = f"{1950 + int((random() + random()) * 28)}-{1 + int(random() * 12):02d}"
    registered = reach is Reach.REGISTERED
    in_store = reach is Reach.STORE or (registered and random() < 0.34)
    return Person(
        number=number,
        market=market,
        reach=reach,
        habit=pick(rng, _HABITS[reach]),
        first=first,
        last=last,
        female=female,
        birthday=f"{birth}-{1 + int(random() * 28):02d}",
        city=city,
        district=districts[int(random() * len(districts))],
        email=new_email(rng, market, first, last, register),
        phone=new_phone(rng, market, register) if random() < 0.82 else None,
        user_id=f"C{100_000 + number}" if registered else None,
        card=f"6299{10_000_000 + number * 7:08d}" if in_store else None,
        card_linked=random() < 0.96,
        subscriber=reach in (Reach.REGISTERED, Reach.GUEST) and random() < 0.62,
        opens=0.08 + 0.8 * random() ** 2,
        browsers=_browsers(rng, market, reach),
        install=new_install(rng, market) if registered and random() < 0.44 else None,
        guest_first=registered and random() < 0.22,
    )


def _browsers(rng: Random, market: Market, reach: Reach) -> list[Browser]:
    if reach is Reach.STORE:
        return []
    first = new_browser(rng, market)
    if reach is Reach.ANONYMOUS:
        del first.anonymous_ids[1 + (rng.random() < 0.1) :]
        return [first]
    if reach is Reach.GUEST:
        del first.anonymous_ids[1:]
        return [first]
    more = [new_browser(rng, market, forgetful=rng.random() < FORGETFUL) for _ in range(2)]
    return [first, *more[: int(rng.random() ** 1.3 * 3)]]


def _name(rng: Random, market: Market) -> tuple[str, str, bool]:
    female = rng.random() < 0.56
    if market.turkish:
        given = names.WOMEN_TR if female else names.MEN_TR
        family = names.LAST_TR
    else:
        given = names.WOMEN_EN if female else names.MEN_EN
        family = names.LAST_EN
    first = given[int(rng.random() ** 1.3 * len(given))]
    return first, family[int(rng.random() ** 1.3 * len(family))], female


def new_email(rng: Random, market: Market, first: str, last: str, register: Register) -> str:
    """Make up an address that nobody else has."""
    boxes = names.MAILBOXES_TR if market.turkish else names.MAILBOXES_EN
    box = boxes[int(rng.random() * len(boxes))]
    first, last = (text.translate(names.ASCII).lower() for text in (first, last))
    joint = ("", ".", "_")[int(rng.random() ** 1.5 * 3)]
    local = f"{first}{joint}{last}" if rng.random() < 0.8 else f"{first[0]}{joint}{last}"
    while (email := f"{local}@{box}") in register.emails:
        local = f"{local}{int(rng.random() * 90) + 10}"
    register.emails.add(email)
    return email


def mistype(rng: Random, email: str, register: Register) -> str | None:
    """Make a typing mistake in an address, unless that is somebody else's address."""
    local, box = email.split("@")
    wrong = names.MISTYPED.get(box)
    if wrong and rng.random() < 0.5:
        typo = f"{local}@{wrong[int(rng.random() * len(wrong))]}"
    else:
        at = 1 + int(rng.random() * (len(local) - 2))
        typo = f"{local[:at]}{local[at + 1]}{local[at]}{local[at + 2 :]}@{box}"
    if typo == email or ".." in typo or ".@" in typo or typo in register.emails:
        return None
    register.emails.add(typo)
    return typo


def new_phone(rng: Random, market: Market, register: Register) -> str | None:
    """Make up a number in E.164 that nobody else has; None when the range is used up."""
    for _ in range(20):
        digits = int(rng.random() * 1_000_000)
        if market.turkish:
            prefix = names.MOBILE_TR[int(rng.random() * len(names.MOBILE_TR))]
            phone = f"+90{prefix}0{digits:06d}"
        elif market is BRITAIN:
            prefix = names.FICTION_GB[int(rng.random() * len(names.FICTION_GB))]
            phone = f"+44{prefix}0{digits % 1000:03d}"
        else:
            prefix = names.FICTION_US[int(rng.random() * len(names.FICTION_US))]
            phone = f"+1{prefix}55501{digits % 100:02d}"
        if phone not in register.phones:
            register.phones.add(phone)
            return phone
    return None


def _share_homes(rng: Random, people: list[Person]) -> None:
    """Let some neighbours in the list be a family: one computer, sometimes one tablet and phone."""
    registered = [person for person in people if person.reach is Reach.REGISTERED]
    place = 0
    while place < len(registered) - 3:
        head = registered[place]
        place += 1
        if rng.random() >= SHARED_HOMES / 2:
            continue
        near = registered[place : place + 2 + (rng.random() < 0.3)]
        family = [person for person in near if person.market is head.market]
        if family:
            _move_in(rng, head, family)
        place += len(near)


def _move_in(rng: Random, head: Person, family: list[Person]) -> None:
    family_phone = rng.random() < 0.15
    tablet: Install | None = head.install if rng.random() < 0.25 else None
    computer = head.browsers[0]
    computer.shared = True
    del computer.anonymous_ids[1:]
    for member in family:
        member.city, member.district, member.last = head.city, head.district, head.last
        member.browsers = [computer, *member.browsers[1:]]
        if tablet is not None:
            tablet.shared = True
            member.install = tablet
        if family_phone and head.phone is not None:
            member.phone = head.phone
