"""The patches of the stand-in server."""


def diff(old, new, path=""):
    """The operations that turn `old` into `new`: members by name, arrays by what their two ends share."""
    if type(old) is type(new) and old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        below = {name: f"{path}/{name.replace('~', '~0').replace('/', '~1')}" for name in old | new}
        changed = [op for name in old if name in new for op in diff(old[name], new[name], below[name])]
        removed = [{"op": "remove", "path": below[name]} for name in old if name not in new]
        added = [{"op": "add", "path": below[name], "value": new[name]} for name in new if name not in old]
        return changed + removed + added
    if isinstance(old, list) and isinstance(new, list):
        return diff_lists(old, new, path)
    return [{"op": "replace", "path": path, "value": new}]


def diff_lists(old, new, path):
    if len(old) == len(new) and old[1:] + new[-1:] != new:
        return [op for i, pair in enumerate(zip(old, new, strict=True)) for op in diff(*pair, f"{path}/{i}")]
    start = next((i for i in range(len(old) + 1) if old[i:] == new[: len(old) - i]), len(old))
    if start < len(old) or not old:  # the front was dropped and the end grew: a list of the last n
        kept = len(old) - start
        removed = [{"op": "remove", "path": f"{path}/0"} for _ in range(start)]
        return removed + [{"op": "add", "path": f"{path}/-", "value": value} for value in new[kept:]]
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    removed = [{"op": "remove", "path": f"{path}/{i}"} for i in range(len(old) - 1, same - 1, -1)]
    return removed + [{"op": "add", "path": f"{path}/-", "value": value} for value in new[same:]]
