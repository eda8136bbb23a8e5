"""What comes after an order: calls, tickets, receipts, surveys and newsletters."""

from __future__ import annotations

from random import Random

from tekil.demo.shop import names
from tekil.demo.shop.catalogue import SITE
from tekil.demo.shop.counters import spell_phone
from tekil.demo.shop.emit import Writer, external
from tekil.demo.shop.model import HOUR_MS, MINUTE_MS, Channel, Person, ShopConfig
from tekil.demo.shop.people import Register, new_phone
from tekil.demo.shop.truth import Truth
from tekil.kit.json import encode_text

NOBODYS_EMAIL = "yok@yok.example"
"""What hurried agents type when a form demands an e-mail; it names nobody."""
_REASONS = ("delivery", "refund", "size", "payment", "loyalty", "damaged")
_PRAISE = (
    "Harika!",
    "Çok hızlı geldi",
    "Lovely quality",
    "Great gift",
    "Kargo hasarlıydı",
    "Pahalı",
)


class Aftercare:
    """Speaks for the call centre and the mailing tool."""

    def __init__(
        self, config: ShopConfig, writer: Writer, rng: Random, truth: Truth, register: Register
    ) -> None:
        self.config = config
        self.writer = writer
        self.rng = rng
        self.truth = truth
        self.register = register
        self._calls = 0

    # The call centre

    def answer_call(self, person: Person, at: int) -> None:
        """Somebody calls; the agent sees the number, and the account if it can be verified."""
        rng = self.rng
        other = new_phone(rng, person.market, self.register) if rng.random() < 0.04 else None
        phone = other or person.phone
        if phone is None:
            return
        verified = person.user_id is not None and rng.random() < (0.8 if other else 0.5)
        user = f'"userId":"{person.user_id}",' if verified else ""
        self.truth.meet(person.number, phone=phone, user_id=person.user_id if verified else "")
        ids = user + external(phone=spell_phone(rng, phone))
        self._calls += 1
        reason = _REASONS[int(rng.random() * len(_REASONS))]
        call_id = f"call-{self._calls:06d}"
        seconds, resolved = 40 + int(rng.random() * 700), rng.random() < 0.7
        properties = (
            f'{{"call_id":"{call_id}","reason":"{reason}","duration_seconds":{seconds},'
            f'"resolved":{"true" if resolved else "false"}}}'
        )
        self.writer.track(Channel.CALLS, at, ids, "Support Call Ended", properties)
        if rng.random() < 0.35:
            self._open_ticket(at + 3 * MINUTE_MS, ids, call_id, reason)
        if verified and rng.random() < 0.25:
            self._note_email(person, at + 4 * MINUTE_MS, ids)

    def _note_email(self, person: Person, at: int, ids: str) -> None:
        hurried = self.rng.random() < 0.04
        email = NOBODYS_EMAIL if hurried else spell_email(self.rng, person.email)
        self.truth.meet(person.number, email=NOBODYS_EMAIL if hurried else person.email)
        traits: dict[str, object] = {
            "email": email,
            "lastName": person.last.translate(names.ASCII),
        }
        self.writer.identify(Channel.CALLS, at, ids, traits)

    def _open_ticket(self, at: int, ids: str, call_id: str, reason: str) -> None:
        ticket = f'{{"ticket_id":"t-{call_id[5:]}","subject":"{reason}","priority":"normal"}}'
        self.writer.track(Channel.CALLS, at, ids, "Support Ticket Opened", ticket)
        solved = at + int((1 + 60 * self.rng.random()) * HOUR_MS)
        if self.rng.random() < 0.85 and solved < self.config.now:
            self.writer.track(Channel.CALLS, solved, ids, "Support Ticket Solved", ticket)

    # The mailing tool

    def email_event(self, person: Person, email: str, at: int, event: str, properties: str) -> None:
        """Something that the mailing tool says about an address."""
        if at < self.config.now:
            self.truth.see("email", email, person.number)
            self.writer.track(Channel.EMAIL, at, external(email=email), event, properties)

    def confirm_order(self, person: Person, at: int, email: str, *, bounced: bool) -> None:
        """Mail the receipt."""
        facts = '{"campaign_name":"order-confirmation","email_subject":"Lale"}'
        self.email_event(
            person, email, at + 8_000, "Email Bounced" if bounced else "Email Delivered", facts
        )

    def ask_opinion(self, person: Person, at: int) -> None:
        """Ask how likely they are to recommend the shop; they answer."""
        score = min(10, int(11 * self.rng.random() ** 0.45))
        comment = _PRAISE[int(self.rng.random() * len(_PRAISE))]
        properties = (
            f'{{"survey_id":"nps","kind":"nps","score":{score},"comment":{encode_text(comment)}}}'
        )
        self.email_event(person, person.email, at, "Survey Answered", properties)

    def mail_campaign(self, person: Person, at: int, campaign: str) -> bool:
        """Send one newsletter; answers whether a link in it was followed."""
        rng = self.rng
        facts = (
            f'"campaign_id":"{campaign}","campaign_name":"{campaign}",'
            f'"email_id":"{campaign}-{person.number}"'
        )
        email, properties = person.email, f"{{{facts}}}"
        self.email_event(person, email, at, "Email Delivered", properties)
        if rng.random() >= person.opens:
            return False
        at += 5 * MINUTE_MS + int(rng.random() ** 2 * 20 * HOUR_MS)
        self.email_event(person, email, at, "Email Opened", properties)
        if rng.random() < 0.015:
            self.email_event(person, email, at + MINUTE_MS, "Unsubscribed", properties)
            person.subscriber = False
        if rng.random() >= 0.3:
            return False
        link = f'{{{facts},"link_url":"{SITE}/{person.market.path}/?utm_source=newsletter"}}'
        self.email_event(person, email, at + 20_000, "Email Link Clicked", link)
        return True


def spell_email(rng: Random, email: str) -> str:
    """Write an address as agents do: in capitals, sometimes with a Turkish keyboard's İ."""
    how = rng.random()
    if how < 0.2:
        return email.upper()
    if how < 0.3:
        return email.replace("i", "İ").upper()
    return f" {email} " if how < 0.35 else email
