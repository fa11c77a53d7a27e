"""Who may do what: one table of role x route, enforced before the view runs. A route without an entry is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.cases.actions import ACTIONS
from schemas.roles import ADMIN, CASEWORK, EVERYBODY, RECORDS, REVIEW


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles that may use a route. `unit_in` names where the request says which unit it is about: a query parameter or
    a form field, `json` for the body's `unit`; the unit has to stand in the subtree of the user's unit. `act_in`, in
    the same way, names where the verb of casework stands that ACTS must allow the role.
    """

    roles: frozenset[str] = frozenset()
    public: bool = False
    unit_in: str | None = None
    act_in: str | None = None


PUBLIC: Final = Rule(public=True)
BULLETINS: Final = frozenset({"analyst", "admin"})  # who makes and issues the city's bulletins
# Evidence opens single records, which a viewer ("figures only") does not.
EVIDENCE: Final = RECORDS | {"analyst"}

RULES: Final[Mapping[str, Rule]] = {
    "static": PUBLIC,
    "health.healthz": PUBLIC,
    "health.metrics": PUBLIC,  # loopback or token, checked by the view
    "sync.hello": PUBLIC,  # signed by nodes, not by people
    "sync.exchange": PUBLIC,
    "sync.rebase": PUBLIC,
    "sync.enrol_child": PUBLIC,
    "api-docs.openapi_json": PUBLIC,
    "checks.Checks:GET": Rule(RECORDS, unit_in="query"),
    "checks.Checks:POST": Rule(RECORDS, unit_in="json"),
    "checks.Returned:POST": Rule(REVIEW),
    "entries.Entries:POST": Rule(RECORDS, unit_in="json"),
    "entries.Phone:GET": Rule(EVERYBODY),  # who may not report is told so
    "cases.Cases:GET": Rule(RECORDS, unit_in="query"),
    "cases.Cases:POST": Rule(RECORDS, unit_in="json"),
    "cases.OneCase:GET": Rule(RECORDS),
    "cases.Search:POST": Rule(CASEWORK),
    "cases.Acts:POST": Rule(RECORDS, act_in="json"),
    "excuses.Excuses:GET": Rule(RECORDS | {"analyst"}, unit_in="query"),
    "excuses.Excuses:POST": Rule(REVIEW, unit_in="json"),
    "excuses.Cancelled:POST": Rule(REVIEW),  # whom it excuses says the unit: the act asks whether it is below
    "reminders.Reminders:GET": Rule(RECORDS, unit_in="query"),
    "reminders.Reminders:POST": Rule(REVIEW, unit_in="json"),
    "todo.Todo:GET": Rule(RECORDS, unit_in="query"),
    "todo.Supervisions:GET": Rule(RECORDS, unit_in="query"),
    "todo.Seen:POST": Rule(CASEWORK),  # whose act it is says the unit: the act asks whether it is below
    "quality.Quality:GET": Rule(EVIDENCE, unit_in="query"),
    "quality.QualityRecords:GET": Rule(EVIDENCE, unit_in="query"),
    "confirmations.Confirmations:GET": Rule(EVIDENCE, unit_in="query"),
    "confirmations.Confirmations:POST": Rule(REVIEW, unit_in="json"),
    "confirmations.ReturnedConfirmation:POST": Rule(REVIEW),
    "returns.PublishedForms:GET": Rule(EVERYBODY),  # nobody's figures
    "returns.Returns:GET": Rule(EVIDENCE, unit_in="query"),
    "returns.Returns:POST": Rule(REVIEW, unit_in="json"),
    "returns.FormRollup:GET": Rule(EVERYBODY, unit_in="query"),
    "returns.FormDuties:GET": Rule(EVIDENCE, unit_in="query"),
    "returns.ReturnedForm:POST": Rule(REVIEW),
    "duties.Duties:GET": Rule(EVERYBODY - {"viewer"}, unit_in="query"),
    "units.Units:GET": Rule(EVERYBODY),
    "units.OneUnit:GET": Rule(EVERYBODY),
    "rollup.Campaigns:GET": Rule(EVERYBODY),
    "rollup.Arrived:GET": Rule(EVIDENCE, unit_in="query"),
    "rollup.Rollup:GET": Rule(EVERYBODY, unit_in="query"),
    "rollup.Records:GET": Rule(EVIDENCE, unit_in="query"),
    "directory.UnitActs:POST": Rule(ADMIN),  # the hub's
    "sync_state.SyncState:GET": Rule(EVERYBODY),
    "sync_state.SyncState:POST": Rule(EVERYBODY - {"viewer", "analyst"}),
    "events.Evidence:GET": Rule(EVIDENCE),
    "users.Users:GET": Rule(ADMIN),
    "users.Users:POST": Rule(ADMIN, unit_in="json"),
    "pages.sign_in": PUBLIC,
    "pages.sign_out": PUBLIC,
    "pages.first_password": PUBLIC,
    "pages.switch": PUBLIC,
    "pages.forget": PUBLIC,
    "pages.language": PUBLIC,
    "pages.devices": PUBLIC,  # the address, which who asks has
    "pages.device_in": PUBLIC,
    "pages.own_ca": PUBLIC,  # a phone takes it in before anybody signs in there
    "pages.own_ca_file": PUBLIC,
    "pages.device_code": Rule(EVERYBODY),
    "pages.user_device": Rule(ADMIN),
    "pages.end_device": Rule(ADMIN),
    "pages.home": Rule(EVERYBODY),
    "pages.today": Rule(RECORDS, unit_in="query"),
    "pages.found": Rule(RECORDS, unit_in="query"),
    "pages.enter_check": Rule(RECORDS, unit_in="form"),
    "pages.found_case": Rule(RECORDS, unit_in="query"),
    "pages.enter_found_case": Rule(RECORDS, unit_in="form"),
    "pages.take_in": Rule(RECORDS),
    "pages.take_in_file": Rule(RECORDS),  # each entry names its unit: the act asks whether it is below
    "pages.service_worker": PUBLIC,
    "pages.phone_shell": PUBLIC,  # nobody's data
    "pages.phone_file": PUBLIC,
    "pages.phone_words": PUBLIC,
    "pages.records": Rule(RECORDS, unit_in="query"),
    "pages.missing": Rule(EVERYBODY - {"viewer"}, unit_in="query"),
    "pages.missing_reports": Rule(EVERYBODY - {"viewer"}, unit_in="query"),
    "pages.excuses": Rule(RECORDS | {"analyst"}, unit_in="query"),
    "pages.enter_excuse": Rule(REVIEW, unit_in="form"),
    "pages.cancel_excuse": Rule(REVIEW, unit_in="form"),
    "pages.reminders": Rule(RECORDS),
    "pages.remind": Rule(REVIEW),  # each ticked unit is looked at by the act
    "pages.todo_page": Rule(RECORDS, unit_in="query"),
    "pages.supervisions": Rule(CASEWORK, unit_in="query"),
    "pages.todo_seen": Rule(CASEWORK),
    "pages.cases": Rule(RECORDS, unit_in="query"),
    "pages.search_cases": Rule(CASEWORK),
    "pages.new_case": Rule(RECORDS, unit_in="query"),
    "pages.register_case": Rule(RECORDS, unit_in="form"),
    "pages.case": Rule(RECORDS),
    "pages.case_private": Rule(RECORDS),  # what the case lets them read says the view: words to their unit, or all
    "pages.agreement": Rule(CASEWORK),
    "pages.act": Rule(RECORDS, act_in="action"),
    "pages.enter_act": Rule(RECORDS, act_in="action"),
    "pages.sync_page": Rule(EVERYBODY - {"viewer"}),
    "pages.carry_out": Rule(REVIEW),
    "pages.carry_in": Rule(REVIEW),
    "pages.carry_receipt": Rule(REVIEW),
    "pages.sync_run": Rule(EVERYBODY - {"viewer", "analyst"}),
    "pages.quality": Rule(EVIDENCE, unit_in="query"),
    "pages.quality_records": Rule(EVIDENCE, unit_in="query"),
    "pages.reports": Rule(EVIDENCE, unit_in="query"),
    "pages.report": Rule(EVIDENCE, unit_in="query"),
    "pages.enter_report": Rule(REVIEW, unit_in="form"),
    "pages.return_report": Rule(REVIEW),  # whose report it is says the unit: the act asks whether it is below
    "pages.forms": Rule(EVERYBODY, unit_in="query"),
    "pages.form_return": Rule(EVIDENCE, unit_in="query"),
    "pages.enter_form_return": Rule(REVIEW, unit_in="form"),
    "pages.send_form_back": Rule(REVIEW, unit_in="form"),
    "pages.check_return": Rule(REVIEW),  # whose record it is says the unit: the act asks whether it is below
    "pages.send_check_back": Rule(REVIEW),
    "pages.form_totals": Rule(EVERYBODY, unit_in="query"),
    "pages.rollup_page": Rule(EVERYBODY, unit_in="query"),
    "pages.rollup_arrived": Rule(EVIDENCE, unit_in="query"),
    "pages.rollup_records": Rule(EVIDENCE, unit_in="query"),
    "pages.evidence": Rule(EVIDENCE),
    "pages.evidence_line": Rule(EVIDENCE),
    "pages.evidence_trail": Rule(EVIDENCE),
    "pages.users_page": Rule(ADMIN),
    "pages.add_user": Rule(ADMIN, unit_in="form"),
    "pages.one_user": Rule(ADMIN),  # whose account it is says the unit: the act asks whether it is below
    "pages.renew_code": Rule(ADMIN),
    "pages.disable_user": Rule(ADMIN),
    "pages.enable_user": Rule(ADMIN),
    "pages.account": Rule(EVERYBODY),
    "pages.change_password": Rule(EVERYBODY),
    "pages.end_sessions": Rule(EVERYBODY),
    "pages.end_token": Rule(EVERYBODY),
    "pages.nodes_page": Rule(ADMIN),
    "pages.add_node": Rule(ADMIN, unit_in="form"),
    "pages.one_node": Rule(ADMIN, unit_in="query"),
    "pages.replace_node": Rule(ADMIN, unit_in="form"),
    "pages.revoke_node": Rule(ADMIN, unit_in="form"),
    "pages.readmit_node": Rule(ADMIN, unit_in="form"),
    "pages.erase_page": Rule(ADMIN),  # which record or case it is about says the unit: the page asks
    "pages.erase_records": Rule(ADMIN),
    "pages.audit_page": Rule(ADMIN),
    "pages.audit_export": Rule(ADMIN),
    "pages.more": Rule(EVERYBODY),
    # The city's own pages (hub/pages): they are at the hub only.
    "city.overview": Rule(EVERYBODY, unit_in="query"),
    "city.drill": Rule(EVERYBODY, unit_in="query"),
    "city.matrix": Rule(EVERYBODY, unit_in="query"),
    "city.bulletin": Rule(BULLETINS, unit_in="query"),
    "city.bulletin_file": Rule(BULLETINS, unit_in="query"),
    "city.write_bulletin": Rule(BULLETINS, unit_in="form"),
    "city.issue_bulletin": Rule(BULLETINS, unit_in="form"),
    "city.issued_bulletin": Rule(BULLETINS),  # its unit is asked for by the page
    "city.issued_bulletin_file": Rule(BULLETINS),
    "city.directory": Rule(EVERYBODY, unit_in="query"),
    "city.change_unit": Rule(ADMIN, unit_in="query"),
    "city.sign_change": Rule(ADMIN, unit_in="form"),
    "city.import_units": Rule(ADMIN),
    "city.regime": Rule(EVERYBODY),
    "city.cadence": Rule(ADMIN),
    "city.sign_cadence": Rule(ADMIN),
    "city.publish_page": Rule(ADMIN),
    "city.try_publication": Rule(ADMIN),
    "city.sign_publication": Rule(ADMIN),
    "city.preview_units": Rule(ADMIN),
    "city.confirm_units": Rule(ADMIN),
    "city.city_map": Rule(ADMIN),
    "city.preview_map": Rule(ADMIN),
    "city.confirm_map": Rule(ADMIN),
    "city.clear_map": Rule(ADMIN),
}


# The verbs of casework by role (4-interfaces, Roles): who may do one that the case and the unit allow. Owners' acts
# are a mediator's, those that decide about other units' cases a reviewer's.
_WORKER_ACTS: Final = frozenset({"register", "hand_up", "recall", "note"})
_REVIEWER_ACTS: Final = frozenset({"take", "send_back", "seize", "supervise"})
ACTS: Final[Mapping[str, frozenset[str]]] = {
    name: RECORDS if name in _WORKER_ACTS else REVIEW if name in _REVIEWER_ACTS else CASEWORK for name in ACTIONS
}
# Who reads the private part of a case of the own unit; each reading is logged.
PRIVATE: Final = CASEWORK


def may_act(role: str, action: str) -> bool:
    """Whether the role does such acts at all."""
    return role in ACTS.get(action, frozenset())


def rule_for(endpoint: str | None, method: str) -> Rule | None:
    """The rule of a route, or None: then it is refused."""
    if endpoint is None:
        return None
    asked = {"HEAD": ("GET",), "OPTIONS": ("GET", "POST")}.get(method, (method,))
    found = (RULES.get(f"{endpoint}:{one}") for one in asked)
    return RULES.get(endpoint) or next((rule for rule in found if rule is not None), None)
