from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_cases import DAY

from schemas.errors import Invalid
from schemas.units.acts import read_act
from schemas.units.listing import HEADER, MAX_LINES, chinese_number, generate_groups, read_unit_list, short_name
from schemas.units.rules import check_act
from schemas.units.tree import EPOCH, Act, Tree

HEAD = "code,name,level,parent_code"
CITY = "421000000000,荆州市,city,"
COUNTY = "421002000000,沙市区,county,421000000000"
TOWN = "421002100000,锣场镇,township,421002000000"
VILLAGE = "421002100201,青山村村民委员会,village,421002100000"
BLOCK = "421002100001,朝阳社区居委会,village,421002100000"
WIDE = "４２１００２００００００"  # full-width digits, as Chinese keyboards type them
WHOLE = (HEAD, CITY, COUNTY, TOWN, VILLAGE, BLOCK)


def listed(*lines: str) -> list[Act]:
    return read_unit_list("\n".join(lines) + "\n")


def first(count: int) -> int:
    """Always the first style of names."""
    return 0


@pytest.mark.parametrize(
    ("lines", "code", "field", "value"),
    [
        ((), "unit_list_header", "line 1", ""),
        ((CITY,), "unit_list_header", "line 1", CITY),
        (("code,name,level,parent",), "unit_list_header", "line 1", "code,name,level,parent"),
        ((HEAD.upper(), CITY), "unit_list_header", "line 1", HEAD.upper()),
        ((HEAD,), "unit_list_city", "line 1", 0),
        ((*WHOLE, "429000000000,又一市,city,"), "unit_list_city", "line 7", 2),
        ((HEAD, CITY, "421002000000,沙市区,county"), "unit_list_columns", "line 3", "421002000000,沙市区,county"),
        ((HEAD, CITY, '421002000000,"沙市区,county,421000000000'), "unit_list_csv", "line 3", None),
        ((*WHOLE, VILLAGE), "unit_list_duplicate", "line 7", "421002100201"),
        ((HEAD, CITY, "421002000000,,county,421000000000"), "unit_list_name", "line 3", ""),
        ((HEAD, CITY, f"421002000000,{'长' * 61},county,421000000000"), "unit_list_name", "line 3", "长" * 61),
        ((HEAD, CITY, "421002000000,a\tb,county,421000000000"), "unit_list_name", "line 3", "a\tb"),
        ((HEAD, CITY, "421002000000,沙市区,district,421000000000"), "unit_list_level", "line 3", "district"),
        ((HEAD, CITY, "42100200000,沙市区,county,421000000000"), "unit_list_code", "line 3", "42100200000"),
        ((HEAD, CITY, f"{WIDE},沙市区,county,421000000000"), "unit_list_code", "line 3", WIDE),
        ((HEAD, CITY, "421002100000,沙市区,county,421000000000"), "unit_list_code", "line 3", "421002100000"),
        ((HEAD, CITY, "421002000000,沙市区,county,421009000000"), "unit_list_parent", "line 3", "421009000000"),
        ((HEAD, CITY, "421002000000,沙市区,county,"), "unit_list_parent", "line 3", ""),
        ((HEAD, CITY, "421002100000,锣场镇,township,421000000000"), "unit_list_parent_level", "line 3", "421000000000"),
        ((HEAD, "421000000000,荆州市,city,421000000000"), "unit_list_parent_level", "line 2", "421000000000"),
        ((*WHOLE, "421002100009001,一组,group,421002100201"), "unit_list_group", "line 7", "421002100009001"),
    ],
)  # fmt: skip
def test_a_list_with_a_mistake_is_refused_by_line_and_value(
    lines: tuple[str, ...], code: str, field: str, value: object
) -> None:
    with pytest.raises(Invalid) as caught:
        listed(*lines)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert value is None or caught.value.value == value


def test_a_list_over_the_limit_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        listed(HEAD, *[CITY] * (MAX_LINES + 1))
    assert (caught.value.code, caught.value.field) == ("unit_list_too_long", f"line {MAX_LINES + 2}")


def test_a_list_becomes_opening_acts_that_all_apply() -> None:
    acts = listed(*WHOLE, "421002100201901,校园网格,group,421002100201")
    assert acts[3] == {
        "act": "open",
        "unit": "421002100201",
        "code": "421002100201",
        "name": "青山村村民委员会",
        "level": "village",
        "parent": "421002100000",
        "kind": "regular",
        "date": EPOCH,
    }
    assert [act["kind"] for act in acts] == ["regular"] * 5 + ["special"]
    assert [read_act(act) for act in acts] == acts
    assert (Tree(enumerate(acts)).skipped, acts[0]["parent"]) == ((), None)


def test_what_spreadsheets_add_changes_nothing() -> None:
    plain = listed(*WHOLE)
    assert read_unit_list("\ufeff" + "\r\n".join(WHOLE) + "\r\n\r\n") == plain
    assert listed(HEAD, *(", ".join(line.split(",")) for line in WHOLE[1:])) == plain
    assert listed(HEAD, *(",".join(f'"{cell}"' for cell in line.split(",")) for line in WHOLE[1:])) == plain
    assert sorted(map(str, listed(HEAD, *reversed(WHOLE[1:])))) == sorted(map(str, plain))
    assert ",".join(HEADER) == HEAD


# Groups


@pytest.mark.parametrize("count", [0, -1, 900])
def test_a_number_of_groups_that_has_no_code_is_refused(count: int) -> None:
    with pytest.raises(Invalid) as caught:
        generate_groups(listed(*WHOLE), count, first)
    assert (caught.value.code, caught.value.value) == ("groups_per_village", count)


def test_groups_are_not_generated_beside_given_ones() -> None:
    with pytest.raises(Invalid) as caught:
        generate_groups(listed(*WHOLE, "421002100201001,一组,group,421002100201"), 2, first)
    assert (caught.value.code, caught.value.value) == ("groups_given", "421002100201001")


def test_each_village_gets_its_groups_numbered_from_one() -> None:
    acts = listed(*WHOLE)
    groups = generate_groups(acts, 3, first)
    assert [(group["code"], group["name"]) for group in groups] == [
        ("421002100201001", "青山村一组"),
        ("421002100201002", "青山村二组"),
        ("421002100201003", "青山村三组"),
        ("421002100001001", "朝阳社区第一网格"),
        ("421002100001002", "朝阳社区第二网格"),
        ("421002100001003", "朝阳社区第三网格"),
    ]
    one = Tree(enumerate([*acts, *groups]))
    assert (one.skipped, one.group_count("421000000000", DAY)) == ((), 6)


@given(st.integers(0, 5), st.integers(1, 40))
def test_the_seed_picks_names_and_nothing_else(seed: int, count: int) -> None:
    acts = listed(*WHOLE)
    plain = generate_groups(acts, count, first)
    picked = generate_groups(acts, count, lambda styles: seed % styles)
    assert [{**group, "name": ""} for group in picked] == [{**group, "name": ""} for group in plain]
    assert len({group["name"] for group in picked}) == len(picked)
    assert [check_act(group, Tree(enumerate(acts))) for group in picked] == picked


def test_the_longest_name_still_leaves_room_for_the_number() -> None:
    long = {**listed(*WHOLE)[3], "name": "长" * 59 + "村"}
    groups = generate_groups([Act(**long)], 899, first)  # type: ignore[typeddict-item]
    assert groups[-1]["name"].endswith("八百九十九组")
    assert max(len(group["name"]) for group in groups) == 60


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("岳桥村村民委员会", "岳桥村"),
        ("铁庙村民委员会", "铁庙村"),
        ("陀杨树村委会", "陀杨树村"),
        ("三湖村村委会", "三湖村"),
        ("西湖社区居民委员会", "西湖社区"),
        ("大口社区居委会", "大口社区"),
        ("平安居委会", "平安社区"),
        ("滩桥社区", "滩桥社区"),
        ("永丰渔场生活区", "永丰渔场生活区"),
        ("麻林村", "麻林村"),
        ("居委会", "居委会"),
    ],
)
def test_a_village_is_called_by_its_short_name(name: str, short: str) -> None:
    assert short_name(name) == short


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (23, "二十三"), (100, "一百"), (105, "一百零五")),
        *((110, "一百一十"), (111, "一百一十一"), (899, "八百九十九")),
    ],
)
def test_numbers_are_written_in_chinese(number: int, text: str) -> None:
    assert chinese_number(number) == text
