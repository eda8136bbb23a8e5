"""Opens the stores and wires the rooms together; the server and the command line share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

import structlog

from tekil.access.service import AccessService
from tekil.clean.email import normalise_email
from tekil.clean.geo import GeoIp
from tekil.clean.phone import normalise_phone
from tekil.collect.sources import SourceRegister
from tekil.collect.tables import sources as _sources  # noqa: F401  (registers its table)
from tekil.errors import InvalidDefinition, NotFound
from tekil.events.ddl import STATEMENTS
from tekil.events.store import HistoryStore
from tekil.identity.definition import rules_from_json
from tekil.identity.graph import IdentityGraph
from tekil.identity.identifiers import Identifiers
from tekil.identity.model import Normaliser
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.service import IdentityService
from tekil.identity.store import IdentityStore
from tekil.inbox.committer import GroupCommitter
from tekil.inbox.model import Reject
from tekil.inbox.store import Inbox
from tekil.kit.clock import Clock, Millis, SystemClock
from tekil.kit.ids import SourceId
from tekil.kit.json import decode
from tekil.kit.priority import started_in_background
from tekil.pipeline.batch import NEXT_IDENTITY, BatchWorker, Stores
from tekil.pipeline.by_hand import ByHand
from tekil.pipeline.chores import Chores
from tekil.pipeline.journal import PipelineJournal
from tekil.pipeline.loop import PipelineLoop
from tekil.pipeline.prepare import Preparer
from tekil.pipeline.writer import WarehouseWriter
from tekil.profiles.accounts import AccountReader
from tekil.profiles.as_of import PastReader
from tekil.profiles.read import ProfileReader
from tekil.profiles.search import ProfileSearch
from tekil.profiles.store import ProfileStore
from tekil.profiles.timeline import Timeline
from tekil.segments.elsewhere import FollowedElsewhere, Watch
from tekil.segments.evaluate import Evaluator
from tekil.segments.live import LiveSegments
from tekil.segments.service import Person, SegmentService
from tekil.segments.store import SegmentStore
from tekil.settings import Role, Settings
from tekil.store.directory import DataDirectory
from tekil.store.lease import Lease
from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse

log = structlog.get_logger()


class Runtime:
    """Everything that is open while Tekil runs on a data directory."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._open = ExitStack()
        self.directory = DataDirectory(settings.data)
        if settings.state_url is None or settings.warehouse_url is None:
            if settings.role is not Role.ALL:
                raise InvalidDefinition(
                    f'The role "{settings.role}" needs TEKIL_STATE_URL and TEKIL_WAREHOUSE_URL: '
                    "one data directory has one process."
                )
            self.directory.acquire()
            self._open.callback(self.directory.release)
        elif settings.role is not Role.API:
            settings.data.mkdir(parents=True, exist_ok=True)
        try:
            self._wire()
        except BaseException:
            self._open.close()
            raise

    def _wire(self) -> None:
        settings, clock = self.settings, self.clock
        self.state = SqlStore(settings.resolved_state_url, schema="state")
        self._open.callback(self.state.close)
        inbox_store = SqlStore(settings.resolved_inbox_url, schema="inbox")
        self._open.callback(inbox_store.close)
        self.state.migrate()
        inbox_store.migrate()
        self.warehouse = Warehouse(settings.warehouse_url, settings.warehouse_path)
        self._open.callback(self.warehouse.close)
        # The engine's own threads, those that merge above all, let requests go first.
        started_in_background(lambda: self.warehouse.migrate(STATEMENTS))
        self.inbox = Inbox(inbox_store)
        self.sources = SourceRegister(self.state, clock)
        self.history = HistoryStore(self.state)
        identity = IdentityStore(self.state)
        self.stores = Stores(
            self.state, self.inbox, self.history, identity, ProfileStore(self.state)
        )
        self.rules = self._stored_rules()
        self.key = self.history.installation_key()
        self.access = AccessService(
            self.state,
            clock,
            settings.admin_token,
            public_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
        )
        self._open.callback(self.access.close)
        self.profiles = ProfileReader(
            self.state, identity, self.key, self.rules, self._identifiers()
        )
        self.profile_search = ProfileSearch(self.state, identity, self.profiles, self.key)
        self.past_profiles = PastReader(self.state, identity, self.profiles, self.warehouse)
        self.accounts = AccountReader(self.state)
        self.timeline = Timeline(self.warehouse, self.sources)
        self.identity = IdentityService(identity, self.profiles.find_node, self.rules_in_force)
        self.pipeline = self._pipeline()
        self.pipeline.worker.before_taking_over = self._follow_rules
        self.by_hand = ByHand(
            self.pipeline,
            identity,
            clock,
            self.profiles.find_node,
            self.adopt_rules,
            self.rules_in_force,
        )
        self.committer = GroupCommitter(self.inbox, self.pipeline.wake)
        self.segments = self._segments()

    def start(self) -> None:
        """Begin to accept and to work."""
        self.committer.start()
        if self.settings.role in (Role.ALL, Role.WORKER):
            self.pipeline.start()
            self.segments.live.start()
            if self.settings.is_remote:
                self._watch.start()

    def stop(self) -> None:
        """Commit what was accepted, finish the batch at hand, close everything."""
        self.committer.stop()
        self._watch.stop()
        self.segments.live.stop()
        self.pipeline.stop()
        self.close()

    def rules_in_force(self) -> Rulebook:
        """The identity rules; a process without a pipeline asks whether another changed them."""
        if self.settings.role not in (Role.ALL, Role.WORKER):
            self._follow_rules()
        return self.rules

    def adopt_rules(self, rules: Rulebook) -> None:
        """Work and read by other identity rules from now on; runs on the pipeline's thread."""
        self.rules = rules
        self.profiles.adopt_rules(rules, self._identifiers())
        worker = self.pipeline.worker
        worker.preparer = Preparer(self._identifiers(), self._geo)
        worker.graph.reset(worker.graph.next_id, rules)

    def lag(self, progress: Mapping[str, int]) -> tuple[int, Millis | None]:
        """How many accepted messages cannot be queried yet, and when the oldest came."""
        return self.inbox.lag(self.pipeline.stored_seq(progress))

    def close(self) -> None:
        """Close the stores and give up the data directory."""
        self._open.close()

    def _follow_rules(self) -> None:
        stored = self._stored_rules()
        if stored.rules != self.rules.rules:
            self.adopt_rules(stored)

    def _stored_rules(self) -> Rulebook:
        with self.state.read() as connection:
            row = self.stores.identity.rules(connection)
        return Rulebook(DEFAULT_RULES if row is None else rules_from_json(decode(row.rules)))

    def _identifiers(self) -> Identifiers:
        return Identifiers(self.rules, NORMALISERS)

    def _pipeline(self) -> PipelineLoop:
        settings = self.settings
        self._geo = GeoIp(settings.geoip) if settings.geoip else None
        progress = self.history.progress()
        graph = IdentityGraph(
            self.stores.identity, self.rules, self.key, progress.get(NEXT_IDENTITY, 1)
        )
        worker = BatchWorker(
            self.stores,
            sources=self.sources,
            preparer=Preparer(self._identifiers(), self._geo),
            graph=graph,
            clock=self.clock,
            dedup_days=settings.dedup_days,
        )
        writer = WarehouseWriter(self.warehouse, self.history, on_reject=self._reject_stored)
        chores = Chores(
            self.inbox,
            self.history,
            self.clock,
            inbox_days=settings.inbox_days,
            dedup_days=settings.dedup_days,
        )
        return PipelineLoop(self.inbox, worker, writer, Lease(self.state), chores)

    def _segments(self) -> SegmentService:
        store = SegmentStore(self.state)
        evaluator = Evaluator(self.warehouse)
        evaluator.prepare()
        follows = self.settings.role in (Role.ALL, Role.WORKER)
        kind = LiveSegments if follows else FollowedElsewhere
        live = kind(store, Evaluator(self.warehouse), PipelineJournal(self.pipeline), self.clock)
        self._watch = Watch(store, live)
        self.pipeline.writer.on_stored = live.on_touched
        return SegmentService(store, evaluator, live, self.clock, self._person)

    def _person(self, ref: str) -> Person:
        with self.state.read() as connection:
            node = self.profiles.find_node(connection, ref)
            eldest = self.stores.identity.nodes_by_id(connection, [node.profile_id])
        return Person(eldest[0].key, node.profile_id)

    def find_identities(self, refs: list[str]) -> dict[str, int]:
        """The identity that each reference names; without those that name nobody."""
        found: dict[str, int] = {}
        with self.state.read() as connection:
            for ref in refs:
                with suppress(NotFound):
                    found[ref] = self.profiles.find_node(connection, ref).identity_id
        return found

    def _reject_stored(self, seq: int, reject: Reject) -> None:
        entry = self.inbox.entry(seq)
        source_id = entry.source_id if entry is not None else SourceId(0)
        received_at = entry.received_at if entry is not None else self.clock.now()
        origin = f"{seq}-{reject.item}-store"
        self.inbox.add_rejects([(source_id, received_at, reject, origin)])


def _email(text: str, _region: str) -> str | None:
    return normalise_email(text)


NORMALISERS: dict[Normaliser, Callable[[str, str], str | None]] = {
    Normaliser.EMAIL: _email,
    Normaliser.PHONE: normalise_phone,
}
