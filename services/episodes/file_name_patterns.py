"""How people and programs name videos and their folders: what marks an episode, and what only looks like one. Pure.

Names are folded before they are matched: no upper case, no accents. Groups are counted from the left.
"""

import re

# A word begins and ends here: "HDTS01E01" and "S01E01-720p" hold no episodes.
_START, END = r"(?<![^\W_])", r"(?![^\W_])"
_GAP = r"[ ._-]*"
_COUNT = r"\d{1,5}"
_SEASON_WORD = r"(?:season|series|staffel|saison|temporada|stagione|seizoen|sezon)"
_EPISODE_WORD = r"(?:episode|folge|ep?)"

# S01E02, S01E02E03, S01E02-E04, S01E02-S01E04, S01E02-04, S01E02v2
MARKED = re.compile(
    rf"{_START}s(\d{{1,4}}){_GAP}ep?({_COUNT})"
    rf"((?:[ ._+&-]*(?:s\d{{1,4}}{_GAP})?ep?{_COUNT}|-\d{{1,3}}{END})*)(?:v\d)?{END}"
)
# 1x02, 1x02-1x03, 1x02x03; not 1920x1080 and not 16x9
CROSSED = re.compile(rf"{_START}(\d{{1,2}})x(\d{{2,3}})((?:-?(?:\d{{1,2}})?x\d{{2,3}}|-\d{{2,3}}{END})*)(?:v\d)?{END}")
# "S2 - 05", "Season 2 Episode 5", "Season 2 05"; the same after "2nd Season" and "2. Staffel"
SPELLED = re.compile(
    rf"{_START}(?:(?:{_SEASON_WORD}[ ._]*|s)(\d{{1,4}})|(\d{{1,2}})(?:st|nd|rd|th|\.)?[ ._]*{_SEASON_WORD})"
    rf"(?:[ ._]*-[ ._]*(?=\d)|[ ._](?=\d\d)|[ ._,-]*{_EPISODE_WORD}[ ._]*)({_COUNT})(?:v\d)?{END}"
)
FURTHER = re.compile(r"(-?)[ ._]*(?:s?\d{1,4}[ ._-]*(?=[ex]))?(?:ep?|x)?(\d{1,5})")
DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([ ._-])(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")

# "03", "03v2", "12END", "01-02", "01+02"; neither half of "12.5" and "5.1"
NUMBER = (
    rf"(?!(?<=\d\.)\d(?!\d))({_COUNT})(?!\.\d(?!\d))(?:v\d)?((?:[-+&](?:ep?)?{_COUNT}|ep?{_COUNT})*)"
    rf"(?:v\d)?(?:end|fin)?{END}"
)
_TAGS_ONLY = r"(?=[ ._]*(?:\||$))"  # follow: each tag is a | by then
FIRST = re.compile(rf"^[\W_]*{NUMBER}")
COUNTED = re.compile(rf"第\s*({_COUNT})()\s*[話话集回]")
WORDED = re.compile(rf"{_START}{_EPISODE_WORD}{_GAP}{NUMBER}")
DASHED = re.compile(rf"[ ._]-[ ._]*#?{NUMBER}")
TRAILING = re.compile(rf"{_START}(?=\d\d){NUMBER}{_TAGS_ONLY}")
DASHED_AT_END = re.compile(rf"[ ._]-[ ._]*{NUMBER}{_TAGS_ONLY}")
BRACKETED = re.compile(rf"[\[(](?:ep?|第)?[ ._]*({_COUNT})(?:v\d)?[ ._]*(?:end|fin|話|话|集|回)?[\])]")
# After the title: "Overlord II - 05" and "Overlord 2 - 05" are of its second season.
SEQUEL = re.compile(rf"^[ ._]+(?:(?P<digit>[2-9])|(?P<roman>iii?|iv|vi?))[ ._]+-[ ._]+(?P<number>{_COUNT}){_TAGS_ONLY}")

TAG = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{[^}]*\}")
# From the first of these on, a name tells how the file was made.
TECHNICAL = re.compile(
    rf"{_START}(?:\d{{3,4}}[pi]\d{{0,3}}|\d{{3,4}}x\d{{3,4}}|[48]k|uhd|[xh][ ._]?26[456]|hevc|avc|av1|xvid|divx"
    r"|(?:8|10|12)[ ._-]?bits?|hi10p?|blu-?ray|bd-?rip|bd-?remux|remux|web-?(?:dl|rip)|web(?=[ ._](?:[xh]\.?26|\d))"
    rf"|hdtv|dvd-?rip|dvd\d?|aac|flac|e?-?ac-?3|ddp?|dts|truehd|opus|hdr(?:10)?|\d+(?:\.\d+)?[ ]?fps){END}"
)
# What is numbered like an episode and is none: songs, films, volumes. "Final Season - 05" says too little.
OTHER_KIND = re.compile(
    r"(?:^|[\W_])(?:ovas?|oads?|op|ed|openings?|endings?|pv|cm|trailer|teaser|previews?|menu|bonus|extras?|movies?|films?"
    rf"|sp|specials?|vol(?:ume)?|dis[ck]|cd|bd|dvd|part|pt|cour|{_SEASON_WORD})[\W_]*\d{{0,2}}[\W_]*$"
)

SEASON_FOLDER = re.compile(
    rf"{_START}(?:{_SEASON_WORD}[ ._-]*|s)(\d{{1,4}}){END}(?![ ._]*[-+&][ ._]*s?\d)"
    rf"|^(\d{{1,2}})(?:st|nd|rd|th|\.)?[ ._]*{_SEASON_WORD}{END}|^(\d{{1,4}})$"
)
SPECIALS_FOLDER = re.compile(r"(?:^|[ ._-])specials?$")
# Jellyfin's, Kodi's and Plex's names for what belongs to a series and is no episode.
EXTRAS_FOLDER = re.compile(
    r"(?:behind[ ._-]the[ ._-]scenes|deleted[ ._-]scenes|scenes|interviews|featurettes?|extras?|bonus|trailers?"
    r"|samples?|clips|shorts|others?|backdrops|theme-music)"
)
# Its files count by their marks only: "OVA/01" is not the first special that the catalogue lists.
OTHER_FOLDER = re.compile(rf"{_START}(?:ovas?|oads?|movies?|films?|filme|nc(?:op|ed)?|music|ost){END}")
EXTRA = re.compile(
    r"(?:^|[ ._-])(?:sample|trailer)$|^sample[ ._-]|-(?:behindthescenes|clip|deleted|deletedscene|extra|featurette"
    rf"|interview|other|scene|short)$|{_START}nc[ ._-]?(?:op|ed)\d*(?:v\d)?{END}|{_START}(?:creditless|textless){END}"
)
