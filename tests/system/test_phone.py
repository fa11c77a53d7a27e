"""The phone's page where the network is bad: it opens, it saves, and every entry arrives exactly once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import pytest
from fakes import E_VILLAGE
from live import today, wait_for
from phones import DROP, GROUPS, WAIT_S, Answer, Field, Phone

pytestmark = [pytest.mark.system, pytest.mark.browser]
ENTRIES: Final = "/api/v1/entries"
BUSY_S: Final = 1


def problem(status: int, code: str, **more: object) -> Answer:
    """A refusal as the node words it."""
    told = {"status": status, "code": code, "detail": f"原因 {code}", "field": None, **more}
    return status, "application/problem+json", json.dumps(told)


def answering(phone: Phone, answer: Answer | str) -> None:
    """From now on every entry is answered so."""
    phone.network.answers = lambda method, path: answer if (method, path) == ("POST", ENTRIES) else None


def clear(phone: Phone) -> None:
    """The node answers for itself again."""
    phone.network.answers = lambda method, path: None


def test_from_a_cold_start_without_a_network_two_taps_report_and_three_entries_arrive_once_in_order(
    field: Field,
) -> None:
    unit, day = field.group(), str(today())
    yesterday = str(today() - timedelta(days=1))
    with field.phone(unit) as phone:
        phone.ready_offline()
        phone.close()
        phone.network.down = True

        phone.open()  # the first tap opens the page, the second one reports
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=今日无事，")
        assert phone.waiting() == 1
        phone.page.click(f"#zero-{yesterday}")
        phone.page.wait_for_selector("text=待传 2 条")
        phone.found("text=又发现情况")
        phone.page.wait_for_selector("text=连不上节点，3 条待传")
        assert field.checks(unit) == []

        phone.close()
        phone.open()  # the browser was ended and started again, still without a network
        phone.page.wait_for_selector("text=待传 3 条")
        phone.network.down = False
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero"), (yesterday, "zero"), (day, "found")])
        assert phone.network.posts.count(ENTRIES) == 3
        phone.page.wait_for_selector("text=发现 1 件")
        assert phone.problems == []


def test_after_saving_the_way_to_the_city_is_shown_as_it_goes(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        phone.page.click("#zero")
        phone.page.wait_for_selector("#phone section:first-of-type .path li:nth-child(5).is-done")
        words = phone.page.inner_text("#phone section:first-of-type .path").split()
        assert words[0::2] == ["已保存", "村", "镇", "县", "市"]
        assert all(len(time) == 5 for time in words[1::2])


def test_a_double_tap_is_one_report(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.network.down = True
        phone.page.evaluate(
            "() => { const tap = document.getElementById('zero'); tap.click(); tap.click(); tap.click(); }"
        )
        phone.page.wait_for_selector("text=待传 1 条")
        phone.page.evaluate("document.querySelector('a[href^=\"/today/case\"]').click()")
        phone.page.click(".tiles--pic >> text=邻里")
        save = "document.querySelector('.bar-end .btn--main')"
        phone.page.evaluate(f"() => {{ {save}.click(); {save}.click(); }}")
        phone.page.wait_for_selector("text=待传 2 条")
        phone.network.down = False
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero"), (day, "found")])


def test_a_reload_in_the_middle_of_sending_loses_and_doubles_nothing(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.network.gate.clear()
        phone.page.click("#zero")
        assert phone.network.waiting_at_gate.wait(WAIT_S)
        phone.page.reload()
        phone.network.gate.set()
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


def test_a_reply_that_is_lost_on_its_way_back_makes_no_second_record(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        answering(phone, DROP)
        phone.page.click("#zero")
        wait_for(lambda: field.checks(unit), WAIT_S)  # the node has it, the phone does not know
        phone.page.wait_for_selector("text=已发出，等答复")
        assert phone.page.locator("text=撤回").count() == 0  # it may be recorded: nobody may take it back now
        clear(phone)
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


ANSWERS: Final = (
    problem(500, "internal"),
    problem(503, "busy"),
    problem(429, "too_many"),
    problem(507, "disk_full"),
    (500, "text/html", "<h1>Internal Server Error</h1>"),
    (200, "text/html", "<h1>欢迎使用酒店网络，请先登录</h1>"),
    (200, "application/json", '{"ok": true}'),
    (302, "text/html", "portal"),
    (404, "text/html", "another server"),
)


def test_whatever_is_answered_an_entry_waits_until_it_is_recorded(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        for tries, answer in enumerate(ANSWERS):
            answering(phone, answer)
            phone.page.click("#send" if tries else "#zero")
            wait_for(
                lambda tries=tries: phone.network.posts.count(ENTRIES) > tries, WAIT_S, lambda answer=answer: answer
            )  # type: ignore[misc]
            phone.page.wait_for_selector("#send")
            assert [one["state"] for one in phone.stored("outbox")] == ["waiting"], answer
        clear(phone)
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


def test_one_entry_that_the_node_chokes_on_does_not_hold_up_other_days(field: Field) -> None:
    unit, day = field.group(), str(today())
    yesterday = str(today() - timedelta(days=1))
    with field.phone(unit) as phone:
        answering(phone, problem(500, "internal"))
        phone.page.click("#zero")
        wait_for(lambda: ENTRIES in phone.network.posts, WAIT_S)
        phone.page.wait_for_selector("#send")
        clear(phone)
        phone.page.click(f"#zero-{yesterday}")
        wait_for(lambda: (yesterday, "zero") in field.checks(unit), WAIT_S)
        phone.page.click("#send")
        phone.all_sent()
        assert sorted(field.checks(unit)) == [(yesterday, "zero"), (day, "zero")]


def test_a_session_that_expired_asks_to_sign_in_and_loses_nothing(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.ready_offline()
        phone.context.clear_cookies()
        phone.open()
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=登录已过期，1 条待传")
        assert field.checks(unit) == []
        phone.page.click("#sign-in")
        phone.page.wait_for_selector("[name=secret]")
        phone.sign_in(f"w{unit}")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


def test_somebody_else_who_signs_in_sends_nothing_in_the_name_of_the_first(field: Field) -> None:
    unit, other, day = field.group(), field.group(), str(today())
    with field.phone(unit) as phone:
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        phone.network.down = False
        answering(phone, problem(503, "busy"))
        phone.context.clear_cookies()
        phone.sign_in("other", field.user("other", other))
        clear(phone)
        phone.page.wait_for_selector("text=本机还有别人的 1 条待传")
        phone.page.click("#zero")
        wait_for(lambda: field.checks(other) and phone.waiting() == 1, WAIT_S, lambda: phone.stored("outbox"))
        assert field.checks(unit) == []
        phone.sign_in(f"w{unit}")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


def test_a_conflict_is_shown_with_its_reason_and_stays_until_somebody_decides(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        field.node.check(unit, today(), "found-at-the-desk", "found")
        phone.network.down = False
        phone.page.click("#send")
        phone.page.wait_for_selector("text=没有收下")
        assert "已报发现情况（纠纷 1 件，隐患 0 件）" in phone.page.inner_text("#phone")
        phone.page.once("dialog", lambda dialog: dialog.accept())
        phone.page.click("text=不再上报")
        phone.page.wait_for_selector("#t-out", state="detached")
        field.arrives(unit, [(day, "found")])


def test_one_that_is_too_large_is_shown_corrected_in_its_form_and_sent(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        answering(phone, problem(413, "body_too_large"))
        phone.found("text=发现情况", narrative="太长的经过")
        phone.page.wait_for_selector("text=原因 body_too_large")
        clear(phone)
        phone.page.click("ol.list >> text=更正")
        assert phone.page.input_value("[name=narrative]") == "太长的经过"
        assert phone.page.is_checked("[name=category][value='dispute.02']")
        phone.page.fill("[name=narrative]", "短")
        phone.page.click("text=保存并上报")
        phone.all_sent()
        field.arrives(unit, [(day, "found")])


def test_private_words_leave_the_phone_once_the_node_has_them(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        phone.found("text=发现情况", narrative="只给办理单位看的话")
        phone.all_sent()
        kept = json.dumps([phone.stored(name) for name in ("outbox", "done", "drafts", "meta")], ensure_ascii=False)
        assert "只给办理单位看的话" not in kept
        assert field.node.rows("SELECT COUNT(*) FROM part WHERE text LIKE '%只给办理单位看的话%'") == [(1,)]


def test_a_draft_is_kept_as_it_is_typed(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        phone.ready_offline()
        phone.network.down = True
        phone.page.click("text=发现情况")
        phone.page.click(".tiles--pic >> text=物业")
        phone.page.fill("[name=narrative]", "写到一半")
        phone.page.wait_for_selector("text=草稿已存本机")
        phone.close()
        phone.open(f"/today/case?unit={unit}&date={today()}")
        assert phone.page.input_value("[name=narrative]") == "写到一半"
        assert phone.page.is_checked("[name=category][value='dispute.14']")


def test_a_phone_that_is_full_or_nearly_so_is_told_and_what_was_typed_is_still_there(
    field: Field,
) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        # What the browser estimates is not what it enforces, so each is set by itself.
        low = "navigator.storage.estimate = async () => ({ quota: 5_000_000, usage: 1_000_000 })"
        phone.page.add_init_script(low)
        phone.page.reload()
        phone.page.wait_for_selector("text=手机空间快满了")
        phone.ready_offline()
        phone.close()  # the browser counts what is free once a while: a new one counts anew
        phone.network.down = True
        devtools = phone.context.new_cdp_session(phone.page)
        devtools.send("Storage.overrideQuotaForOrigin", {"origin": phone.url(), "quotaSize": 1})
        phone.open(f"/today/case?unit={unit}&date={today()}")
        phone.page.click(".tiles--pic >> text=邻里")
        phone.page.fill("[name=narrative]", "不能丢的话")
        phone.page.wait_for_selector("text=草稿没存下")
        phone.page.click("text=保存并上报")
        phone.page.wait_for_selector("text=手机空间满了")
        assert phone.page.input_value("[name=narrative]") == "不能丢的话"
        phone.network.down = False
        phone.page.click("text=保存并上报")  # no room on the phone, but the node is in reach: it goes there at once
        wait_for(
            lambda: field.checks(unit) == [(str(today()), "found")], WAIT_S, lambda: phone.page.inner_text("#phone")
        )


def test_a_new_version_of_the_page_comes_in_with_a_full_outbox_and_the_old_entries_are_taken(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.ready_offline()
        (old,) = [name.removeprefix("grid-") for name in phone.page.evaluate("caches.keys()")]
        answering(phone, problem(422, "bad_shape"))
        phone.found("text=发现情况", narrative="旧版填的")
        phone.page.wait_for_selector("text=原因 bad_shape")
        answering(phone, problem(503, "busy"))
        phone.page.click(f"#zero-{today() - timedelta(days=1)}")
        phone.page.wait_for_selector("text=待传 1 条")

        new = "0" * len(old)  # the node was upgraded: every file of the page stands under another version
        phone.network.renamed = (new, old)
        phone.page.reload()
        phone.page.wait_for_selector("#update")
        phone.page.click("#update")
        phone.shows_version(new)
        phone.page.wait_for_selector("text=待传 1 条")
        assert sorted(phone.page.evaluate("caches.keys()")) == sorted([f"grid-{old}", f"grid-{new}"])

        phone.network.down = True  # the old form still opens, out of the phone itself
        phone.page.click("ol.list >> text=更正")
        phone.shows_version(old)
        assert phone.page.input_value("[name=narrative]") == "旧版填的"
        phone.network.down = False
        clear(phone)
        phone.page.click("text=保存并上报")
        phone.all_sent()
        yesterday = str(today() - timedelta(days=1))
        wait_for(lambda: sorted(field.checks(unit)) == [(yesterday, "zero"), (day, "found")], WAIT_S)


def test_the_browser_sends_by_itself_when_the_page_is_closed(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.ready_offline()
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        devtools = phone.context.new_cdp_session(phone.page)
        registrations: list[str] = []
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: registrations.extend(one["registrationId"] for one in told["registrations"]),
        )
        devtools.send("ServiceWorker.enable")
        phone.page.goto("about:blank")
        phone.network.down = False
        sync = {"origin": phone.url(), "registrationId": registrations[0], "tag": "outbox", "lastChance": False}
        devtools.send("ServiceWorker.dispatchSyncEvent", sync)
        field.arrives(unit, [(day, "zero")])


def test_after_signing_out_nobody_sees_whose_units_these_were_and_what_waits_stays(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        phone.ready_offline()
        answering(phone, problem(503, "busy"))
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=节点忙，1 条稍后再传")
        phone.page.goto(phone.url("/account"))
        phone.page.click("form[action='/sign-out'] button >> visible=true")
        phone.page.wait_for_selector("[name=secret]")
        phone.network.down = True
        phone.page.goto(phone.url("/today"))
        phone.page.wait_for_selector("text=这部手机还没有登录过")
        assert f"东村{int(unit[-3:])}组" not in phone.page.content()
        assert phone.waiting() == 1


def test_a_page_that_only_the_node_can_make_says_so_without_a_network(field: Field) -> None:
    with field.phone(field.group()) as phone:
        phone.ready_offline()
        phone.network.down = True
        phone.page.goto(phone.url("/cases"))
        phone.page.wait_for_selector("text=这一页要连上节点才能看")
        phone.page.click("#phone a.btn")
        phone.page.wait_for_selector("#zero")


def test_a_worker_of_many_groups_reports_for_the_one_that_is_chosen_without_a_network(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(E_VILLAGE) as phone:
        phone.ready_offline()
        phone.network.down = True
        phone.page.reload()
        phone.page.wait_for_selector(".chips a")
        assert phone.page.locator(".chips a").count() == len(GROUPS)
        phone.page.click(f".chips a[href$='{unit}']")
        phone.page.wait_for_selector(f"h1:has-text('东村{int(unit[-3:])}组')")
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        phone.network.down = False
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])
