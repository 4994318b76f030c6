"""What Kodi and Jellyfin read of a `tvshow.nfo`, element by element, and a checker that is as strict as both together.

The tables follow the readers' own sources: Kodi's `CVideoInfoTag::ParseNative` (xbmc/video/VideoInfoTag.cpp) and
Jellyfin's `BaseNfoParser.FetchDataFromXmlNode` and `SeriesNfoParser.FetchDataFromXmlNode` (MediaBrowser.XbmcMetadata).
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import TypeAlias
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET  # not the parser that the file was written with

Check: TypeAlias = Callable[[ET.Element], str | None]  # what is wrong with an element, None if nothing

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_INT = re.compile(r"-?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_INT_MAX = 2**31 - 1
_MINUTES_MAX = 24 * 60
_BAD_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _text(one: ET.Element) -> str | None:
    """Some text without white space around it, which Kodi's lists and Jellyfin's status would keep."""
    value = one.text or ""
    if len(one) or not value or value != value.strip():
        return "is no plain text"
    return "has characters that XML forbids" if _BAD_CHARACTERS.search(value) else None


def _matching(pattern: "re.Pattern[str]", what: str, largest: int = _INT_MAX) -> Check:
    def check(one: ET.Element) -> str | None:
        value = one.text or ""
        return None if pattern.fullmatch(value) and float(value) <= largest else f"is no {what}"

    return check


def _day(one: ET.Element) -> str | None:
    value = one.text or ""
    try:
        return None if date.fromisoformat(value).isoformat() == value else "is no yyyy-MM-dd"
    except ValueError:
        return "is no yyyy-MM-dd"


def _year(one: ET.Element) -> str | None:
    return _matching(_DIGITS, "year", 9999)(one) or (None if int(one.text or "") > 1850 else "is no year after 1850")


def _without(separator: str) -> Check:
    def check(one: ET.Element) -> str | None:
        return _text(one) or (f"would be cut at {separator!r}" if separator in (one.text or "") else None)

    return check


def _one_of(*words: str) -> Check:
    return lambda one: None if one.text in words else f"is none of {words}"


def _address(one: ET.Element) -> str | None:
    parts = urlsplit(one.text or "")
    return None if parts.scheme in {"http", "https"} and parts.netloc else "is no address"


def _unique_id(one: ET.Element) -> str | None:
    if set(one.attrib) - {"type", "default"} or not one.get("type"):
        return "has no type, or other attributes"
    return _text(one) or (None if one.get("default", "true") == "true" else "has a default other than true")


def _season(one: ET.Element) -> str | None:
    is_numbered = set(one.attrib) == {"number"} and _INT.fullmatch(one.get("number", ""))
    return _text(one) if is_numbered else "has no number, or other attributes"


def _ratings(one: ET.Element) -> str | None:
    defaults = [rating for rating in one if rating.get("default") == "true"]
    if len(defaults) != 1:
        return f"has {len(defaults)} defaults"
    return next((problem for rating in one if (problem := _rating(rating))), None)


def _rating(one: ET.Element) -> str | None:
    value = one.findtext("value", "")
    if one.tag != "rating" or set(one.attrib) - {"name", "max", "default"} or not one.get("name"):
        return f"holds <{one.tag}> without a name, or with other attributes"
    if one.get("max") != "10":
        return "is not out of 10: Jellyfin takes the value as it is"
    if not _FLOAT.fullmatch(value) or not 0 < float(value) <= 10:
        return f"has the value {value!r}, which Kodi drops"
    if not _DIGITS.fullmatch(one.findtext("votes", "0")):
        return "has votes that are no number"
    return _only(one, "value", "votes")


def _actor(one: ET.Element) -> str | None:
    checks = {"name": _text, "role": _text, "order": _matching(_DIGITS, "number"), "thumb": _address}
    problems = [f"{child.tag} {problem}" for child in one if (problem := checks.get(child.tag, _text)(child))]
    return next(iter(problems), None) or (None if one.findtext("name") else "has no name") or _only(one, *checks)


def _only(one: ET.Element, *tags: str) -> str | None:
    counted = Counter(child.tag for child in one)
    wrong = [tag for tag, number in counted.items() if tag not in tags or number > 1]
    return f"holds {wrong}, unknown or more than once" if wrong else None


def _guide(one: ET.Element) -> str | None:
    try:
        ids = json.loads(one.text or "")
    except ValueError:
        return "is no JSON"
    is_flat = isinstance(ids, dict) and ids and all(isinstance(value, str) and value for value in ids.values())
    return None if is_flat else "is no JSON object of ids"


KODI: dict[str, Check] = {
    # XMLUtils::GetString
    "title": _text,
    "originaltitle": _text,
    "plot": _text,
    "mpaa": _text,
    "status": _text,  # shown as it is
    # XMLUtils::GetString, GetDurationFromMinuteString
    "runtime": _matching(_DIGITS, "number of minutes", _MINUTES_MAX),
    # XMLUtils::GetDate, which is CDateTime::SetFromDBDate
    "premiered": _day,
    # XMLUtils::GetInt, where there is no `premiered`
    "year": _year,
    # XMLUtils::GetStringArray with advancedsettings' videoItemSeparator
    "genre": _without(" / "),
    "studio": _without(" / "),
    "country": _text,
    # CVideoInfoTag::SetUniqueID by QueryStringAttribute("type"); the first with default="true" is the default
    "uniqueid": _unique_id,
    # CVideoInfoTag::SetRating, which drops what is not above 0 and up to 10
    "ratings": _ratings,
    # m_namedSeasons by Attribute("number", &seasonNumber)
    "namedseason": _season,
    # SActorInfo: name, role, order (GetInt), thumb (CScraperUrl::ParseAndAppendUrl)
    "actor": _actor,
    # m_strEpisodeGuide, which the scraper gets: json.loads in metadata.tvshows.themoviedb.org.python, since Kodi 20
    "episodeguide": _guide,
}
JELLYFIN: dict[str, Check] = {
    # XmlReaderExtensions.ReadNormalizedString
    "title": _text,
    "originaltitle": _text,
    "plot": _text,
    "mpaa": _text,
    "studio": _text,  # AddStudio, uncut
    # int.TryParse of what is left of the first space
    "runtime": _matching(_DIGITS, "number of minutes", _MINUTES_MAX),
    # TryReadInt, and only if above 1850
    "year": _year,
    # TryReadDateTimeExact with NfoConfiguration's ReleaseDateFormat, yyyy-MM-dd unless changed
    "premiered": _day,
    "enddate": _day,
    # val.Split('/'), AddGenre
    "genre": _without("/"),
    # val.Split('/'), assigned to ProductionLocations: the last element wins
    "country": _text,
    # Enum.TryParse<SeriesStatus>
    "status": _one_of("Continuing", "Ended", "Unreleased"),
    # SetProviderId(type, text): ids need no elements of their own
    "uniqueid": _unique_id,
    # FetchFromRatingsNode: the last value that isn't a critics' rating, whatever its `max`
    "ratings": _ratings,
    # SeasonNames by int.TryParse(GetAttribute("number"))
    "namedseason": _season,
    # XmlReaderExtensions.GetPersonFromXmlNode: name, role, type, order, thumb
    "actor": _actor,
}
_REPEATED = {"genre", "studio", "uniqueid", "namedseason", "actor"}
_WITH_ATTRIBUTES = {"uniqueid", "namedseason"}
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def problems(xml: bytes) -> list[str]:
    """All that one of the two readers would miss, misread or refuse in a file that Coldopen wrote; empty if nothing."""
    if not xml.startswith(_DECLARATION):
        return ["the file does not begin with its declaration"]
    if b"<!DOCTYPE" in xml:
        return ["the file has a DOCTYPE, which Jellyfin refuses"]
    try:
        root = ET.fromstring(xml.decode())
    except (ET.ParseError, UnicodeDecodeError) as error:
        return [f"the file is not well-formed: {error}"]
    if root.tag != "tvshow" or root.attrib:
        return [f"the root is <{root.tag}>, or has attributes"]
    return [*_problems_of_each(root), *_problems_of_all(root)]


def _problems_of_each(root: ET.Element) -> list[str]:
    found = []
    for one in root:
        readers = {"Kodi": KODI, "Jellyfin": JELLYFIN}
        if not any(one.tag in table for table in readers.values()):
            found.append(f"<{one.tag}> is read by none")
        if one.attrib and one.tag not in _WITH_ATTRIBUTES:
            found.append(f"<{one.tag}> has attributes")
        for reader, table in readers.items():
            if one.tag in table and (problem := table[one.tag](one)):
                found.append(f"{reader}: <{one.tag}> {problem}")
    return found


def _problems_of_all(root: ET.Element) -> list[str]:
    counted = Counter(one.tag for one in root)
    found = [f"<{tag}> is there {n} times" for tag, n in counted.items() if n > 1 and tag not in _REPEATED]
    found += [f"there is no <{tag}>" for tag in ("title", "plot", "uniqueid") if not counted[tag]]
    ids = root.findall("uniqueid")
    if sum(one.get("default") == "true" for one in ids) != 1:
        found.append("not exactly one <uniqueid> is the default")
    for tag, attribute in (("uniqueid", "type"), ("namedseason", "number")):
        if len({one.get(attribute) for one in root.findall(tag)}) != counted[tag]:
            found.append(f"two <{tag}> have one {attribute}")
    for tag in ("genre", "studio"):
        if len({(one.text or "").casefold() for one in root.findall(tag)}) != counted[tag]:
            found.append(f"two <{tag}> are the same")
    if counted["enddate"] and root.findtext("status") != "Ended":
        found.append("<enddate> of a series that has not ended")
    return found
