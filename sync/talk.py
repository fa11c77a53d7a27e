"""Signed requests to the parent, and replies that can be trusted; learning who the parent is when its key changed."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from schemas.errors import Corrupt, GridError
from schemas.strict_json import Json, loads
from sync import auth, directory, heads, log, owed, trails
from sync.certificates import key_of
from sync.database import write
from sync.env import Reply, TransportError
from sync.inlog import begin
from sync.intake import Intake
from sync.log import START, new_log_id
from sync.manifest import shared_version
from sync.replica import Replica
from sync.routing import PUBLISHED
from sync.server import HELLO_PATH
from sync.trails import Trail

MAX_RETRY_AFTER_S: Final = 86_400


class ExchangeFailed(Exception):
    """No answer that can be trusted, or one that says no."""

    def __init__(self, problem: str, status: int | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.retry_after_s = retry_after_s


class Talk:
    """The conversation with one parent. `url` is where the config says that it is; a move overrides it until the config
    says something else.
    """

    def __init__(self, replica: Replica, url: str) -> None:
        self.replica = replica
        self._url = url.rstrip("/")

    @property
    def url(self) -> str:
        """Where the parent answers now."""
        row = self.replica.db.execute(
            "SELECT url FROM link WHERE link = ? AND url IS NOT NULL AND COALESCE(told, ?) = ?",
            [self.replica.link_up, self._url, self._url],
        ).fetchone()
        return str(row[0]) if row else self._url

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """The parent's signed answer to a signed request. Raises ExchangeFailed."""
        (nonce,) = self.replica.db.execute("SELECT nonce FROM link WHERE link = ?", [self.replica.link_up]).fetchone()
        reply = self._signed_post(path, body, headers, nonce or self._hello())
        if reply is None or reply.status == 401:
            # The nonce is older than the parent takes, or the parent has a new key: one new hello, then it has failed.
            reply = self._signed_post(path, body, headers, self._hello())
        if reply is None:
            raise ExchangeFailed("reply_unsigned")
        return reply

    def _signed_post(self, path: str, body: bytes, headers: dict[str, str], nonce: str) -> Reply | None:
        """None: somebody answers with another key than the parent's, and says who it is."""
        proof = auth.sign_request(self.replica.signer, "POST", path, body, nonce)
        signature = proof[auth.AUTH_HEADER].partition(":")[2]
        reply = self._request("POST", self.url + path, headers | proof, body)
        if self._is_parents(reply, signature):
            return reply
        stranger = reply.headers.get(auth.NODE_HEADER, "")
        if stranger and stranger != self.replica.identity.parent_node:
            return None
        raise ExchangeFailed("reply_unsigned", None, retry_after(reply))

    def _hello(self) -> str:
        """A fresh nonce; a parent of the same unit with another key proves itself by its certificates."""
        reply = self._request("GET", self.url + HELLO_PATH, {}, b"")
        if not self._is_parents(reply, ""):
            trail = self._trail_of(reply)
            if trail is None or trail.claims[-1][1] != self.replica.identity.parent:
                raise ExchangeFailed("reply_unsigned", None, retry_after(reply))
            adopt(self.replica, trail, None)
        value = json_of(reply)
        if reply.status == 200 and isinstance(value, dict) and shared_version(value.get("v")) is None:
            raise ExchangeFailed("version", 426)  # go on collecting: one of the two has to be upgraded
        nonce = reply.headers.get(auth.NONCE_HEADER, "")
        if not nonce:
            raise ExchangeFailed("reply_unsigned")
        return nonce

    def move_to(self, unit: str, url: str) -> None:
        """Follows a redirect: whoever answers there has to prove that it is that unit's node. Raises ExchangeFailed."""
        reply = self._request("GET", url.rstrip("/") + HELLO_PATH, {}, b"")
        trail = self._trail_of(reply)
        if trail is None or not self._may_be_parent(trail, unit):
            raise ExchangeFailed("moved", 403)
        adopt(self.replica, trail, url.rstrip("/"), self._url)

    def go_back(self) -> None:
        """Who a redirect led to knows nothing of us: the act that moved us may be lost, the hub having been restored.
        Then the config's word counts again; if the act is only late there, we are sent on once more.
        """
        if self.url == self._url:
            return
        trail, me = self._trail_of(self._request("GET", self._url + HELLO_PATH, {}, b"")), self.replica.identity
        if trail is not None and trail.claims[-1][1] not in (me.parent, me.unit):
            adopt(self.replica, trail, None)

    def _may_be_parent(self, trail: Trail, said: str) -> bool:
        """Whether it is the unit that the redirect names, or one that ever stood above that or us: the new parent unit
        may have no node of its own.
        """
        unit, me, tree = trail.claims[-1][1], self.replica.identity, directory.tree_of(self.replica)
        return unit != me.unit and (unit == said or any(tree.ever_below(one, unit) for one in (said, me.unit)))

    def _trail_of(self, reply: Reply) -> Trail | None:
        """The certificates in a hello that lead from our root to the key that signed it."""
        value = json_of(reply)
        try:
            trail = trails.read_trail(value.get("certs") if isinstance(value, dict) else None)
        except Corrupt:
            return None
        node, _unit, _level, key = trail.claims[-1]
        if trail.root != self.replica.identity.root_node or directory.is_revoked(self.replica.db, node):
            return None
        return trail if auth.reply_is_signed(key, reply.headers, "", reply.status, reply.body) else None

    def _is_parents(self, reply: Reply, signature: str) -> bool:
        key = key_of(self.replica.db, self.replica.identity.parent_node or "")
        return key is not None and auth.reply_is_signed(key, reply.headers, signature, reply.status, reply.body)

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        try:
            return self.replica.env.transport.request(method, url, headers, body)
        except TransportError as error:
            raise ExchangeFailed("unreachable") from error


def adopt(replica: Replica, trail: Trail, url: str | None, told: str | None = None) -> None:
    """From now on the node of this trail is the parent; `url` where it is another unit's, `told` what the config says
    instead. The own log stays.
    """
    node, unit, _level, _key = trail.claims[-1]
    with write(replica.db, "adopt", replica.env):
        intake = Intake(replica, replica.env.now_ms())
        new = [event.hash for event in trail.events if log.held(replica.db, event.hash) is None]
        for event in trail.events:
            intake.add(event, "down")
        intake.finish()
        replica.db.execute("UPDATE node_state SET parent = ?, parent_node = ?", [unit, node])
        link, down_log = replica.link_up, new_log_id(replica.env)
        fresh = replica.db.execute(
            "INSERT INTO link (link, unit, node, side, down_log) VALUES (?, ?, ?, 'parent', ?) ON CONFLICT DO NOTHING",
            [link, unit, node, down_log],
        ).rowcount
        if fresh:
            begin(replica.db, link, down_log, START)
        # It came outside every log: handed back, it is in one, whatever disk goes back in time next.
        (down_log,) = replica.db.execute("SELECT down_log FROM link WHERE link = ?", [link]).fetchone()
        owed.note(replica.db, link, down_log, new)
        owed.move_over(replica.db, link, down_log)
        if fresh:  # earlier parents may be gone with all that they sent down and not yet up
            owed.note(replica.db, link, down_log, _sent_down(replica.db))
            replica.db.execute("UPDATE link SET compared = 0 WHERE link = ?", [link])
        replica.db.execute(
            "UPDATE link SET node = ?, nonce = NULL, url = COALESCE(?, url), told = COALESCE(?, told) WHERE link = ?",
            [node, url, told, link],
        )


def _sent_down(db: Database) -> list[str]:
    """What ever came down, but for what the city publishes to everybody anyway."""
    kinds = sorted(PUBLISHED)
    rows = db.execute(
        "SELECT e.hash FROM inlog i JOIN event e ON e.hash = i.hash"
        " WHERE i.link IN (SELECT link FROM link WHERE side = 'parent')"
        f" AND e.kind NOT IN ({','.join('?' * len(kinds))}) GROUP BY e.hash ORDER BY MIN(e.n)",
        kinds,
    )
    return [row[0] for row in rows]


def caught_up(replica: Replica) -> bool:
    """The parent has nothing more: what a restored copy still lacks is nowhere, and what waited for it goes on; what a
    new parent did not send of what the city publishes it has lost, with the city perhaps, and is handed back. Returns
    whether there is such.
    """
    db, link = replica.db, replica.link_up
    (compared, down_log) = db.execute("SELECT compared, down_log FROM link WHERE link = ?", [link]).fetchone()
    if compared and not heads.is_covered(db) and not heads.is_awaited(db):
        return False
    with write(db, "apply", replica.env):
        lacking = [] if compared else _not_sent(db, link)
        owed.note(db, link, down_log, lacking)
        db.execute("UPDATE link SET compared = 1 WHERE link = ?", [link])
        heads.uncover(db)
        Intake(replica, replica.env.now_ms()).finish(caught_up=True)
    return bool(lacking)


def _not_sent(db: Database, link: str) -> list[str]:
    """What the city published that did not come over this link."""
    kinds = sorted(PUBLISHED)
    rows = db.execute(
        f"SELECT e.hash FROM event e WHERE e.kind IN ({','.join('?' * len(kinds))}) AND NOT EXISTS"
        " (SELECT 1 FROM inlog i WHERE i.link = ? AND i.hash = e.hash) ORDER BY e.n",
        [*kinds, link],
    )
    return [row[0] for row in rows.fetchall()]


def json_of(reply: Reply) -> Json:
    """The body as JSON; None when it is none."""
    try:
        return loads(reply.body)
    except GridError:
        return None


def code_of(reply: Reply) -> str | None:
    """The stable code of a refusal."""
    value = json_of(reply)
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, str) else None


def retry_after(reply: Reply) -> int | None:
    """Seconds that the other side asks for, at most a day."""
    text = reply.headers.get("retry-after", "")
    return min(int(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else None
