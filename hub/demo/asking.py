"""What the levels of the demonstration ask of each other once the reports are up, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from hub.demo.forms import UNSENT
from hub.demo.periods import ONE_DAY, Replicas
from hub.demo.work import REVIEWER
from node import queries
from node.cases import acts
from node.daily import checks
from node.desk import reminders
from node.people.accounts import Account
from node.reports import confirmation_queries, confirmations, form_queries, form_returns
from schemas.strict_json import loads

BACK: Final = timedelta(days=400)  # how far back the newest report is looked for
ANSWER_DAYS: Final = 5
WORDS: Final[Mapping[str, str]] = {
    "check": "未填走访场所数，请补填后重报。",
    "form": "参会单位家次与会议签到表不一致，请核实后重报。",
    "confirmation": "请在说明中写明漏报的组和原因。",
    "remind": "请抓紧报送；如有困难，请电话说明。",
    "supervise": "请加快调处，并说明进展。",
    "answer": "已召集双方面谈，正在核对有关材料。",
    "hand_up": "双方分属两村，需村里出面协调。",
}
Body = dict[str, Any]


@dataclass(slots=True)
class Asking:
    """`chain` are the units with nodes, the city first; `cases` the id of an open case of each of them; `last` is the
    last of the days.
    """

    replicas: Replicas
    chain: Sequence[str]
    cases: Mapping[str, str]
    last: date
    _check: Body | None = field(default=None)
    _form: Body | None = field(default=None)

    def ask(self, missing: Mapping[str, Any] | None) -> None:
        """Reports are returned, who is `missing` (unit and period) is reminded, two cases are supervised."""
        city, county, township, village, group = self.chain
        self._return_check(village, group)
        self._return_form(county)
        self._return_confirmation(township, village)
        if missing is not None:
            reminders.remind(self.replicas[county], _reviewer(county), {**missing, "text": WORDS["remind"]})
        due = (self.last + ANSWER_DAYS * ONE_DAY).isoformat()
        for by, owner in ((city, township), (county, village)):
            self._act(by, owner, {"action": "supervise", "due": due, "text": WORDS["supervise"]})

    def answer(self) -> None:
        """The check and the form are amended, the township answers, the group hands its case up. The periodic report
        and the other supervision still wait.
        """
        _, county, township, village, group = self.chain
        if self._check is not None:
            checks.submit(self.replicas[group], REVIEWER, self._check)
        if self._form is not None:
            form_returns.submit(self.replicas[county], _reviewer(county), self._form, None)
        self._act(township, township, {"action": "answer", "reply": WORDS["answer"]})
        self._act(group, group, {"action": "hand_up", "to_unit": village, "reason": WORDS["hand_up"]})

    def _return_check(self, by: str, group: str) -> None:
        """The newest check of the group, if it has made one."""
        replica = self.replicas[by]
        made = queries.duty_days(replica.db, group, self.last - BACK, self.last)
        if not made:
            return
        day, row = max(made.items())
        report = queries.report_by_event(replica.db, row.event)
        assert report is not None  # a duty names a report that is held
        checks.send_back(replica, _reviewer(by), row.event, {"reason": WORDS["check"]}, None)
        self._check = {"unit": group, "date": day.isoformat(), "result": report.result, "places_visited": 4}
        if report.result == "found":
            self._check["found"] = {"disputes": report.disputes, "hazards": report.hazards}

    def _return_form(self, by: str) -> None:
        """The newest form of joint meetings of a township that the county's node serves."""
        replica = self.replicas[by]
        sent = form_queries.sent_between(replica.db, UNSENT, self.last - BACK, self.last)
        own = [one for one in sent if one.unit not in self.chain]
        if not own:
            return
        one = max(own, key=lambda one: (one.day, one.unit))
        held = form_queries.one_held(replica.db, one.event)
        assert held is not None  # it counts
        values = loads(held.content)
        assert isinstance(values, dict)
        form_returns.send_back(replica, _reviewer(by), one.event, {"reason": WORDS["form"]}, None)
        changed = {**values, "units_attending": int(str(values["units_attending"])) + 2}
        self._form = {"form": one.form, "unit": one.unit, "period": one.period, "values": changed}

    def _return_confirmation(self, by: str, unit: str) -> None:
        """The newest periodic report of the unit, if it has made one."""
        replica = self.replicas[by]
        given = confirmation_queries.duties_of(replica.db, unit, self.last, None, 1)
        if given:
            body = {"reason": WORDS["confirmation"]}
            confirmations.send_back(replica, _reviewer(by), given[0].event, body, None)

    def _act(self, by: str, owner: str, act: Body) -> None:
        replica, account = self.replicas[by], _reviewer(by)
        case = acts.require_case(replica, account, self.cases[owner])
        acts.act_on(replica, account, case.id, {**act, "after": case.event})


def _reviewer(unit: str) -> Account:
    return Account(REVIEWER, REVIEWER, unit)
