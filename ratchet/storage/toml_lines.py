"""Lines of a TOML file, for errors about its values: the parser gives values alone.

Add here how a setting is found in the text; errors about them are made in `specs.py`.
"""


def line_of(location: tuple[int | str, ...], text: str) -> str:
    """Return ` line N` of the setting at `location`, as (label, 1, threshold), or of its section; '' when not found."""
    lines = [line.strip() for line in text.splitlines()]
    names = [part for part in location if isinstance(part, str)]
    number = next((part for part in location if isinstance(part, int)), 0)
    result = ""
    start = 0
    if len(names) > 1 or len(location) > 1:
        headers = [place for place, line in enumerate(lines) if line.startswith((f"[{names[0]}]", f"[[{names[0]}]]"))]
        if len(headers) <= number:
            return ""
        start = headers[number] + 1
        result = f" line {start}"
    if not names:
        return result
    for place in range(start, len(lines)):
        if result and lines[place].startswith("["):
            break
        if lines[place].partition("=")[0].strip(' "[]') == names[-1]:
            return f" line {place + 1}"
    return result
