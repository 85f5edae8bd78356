"""A to-do list, and a board for everybody, as docs/side-by-side.md shows them: `python3 todo.py 4000`."""

import asyncio
import sys
from dataclasses import dataclass

import synq


@dataclass
class Add:
    title: str


@dataclass
class Toggle:
    id: int


@dataclass
class Search:
    text: str


def as_text(items: list) -> str:
    return "".join(f"[{'x' if item['done'] else ' '}] {item['title']}\n" for item in items)


@synq.channel("todo:*", track=["items", "query", "found"])
class ToDo(synq.Channel):
    def authorize(self, params: dict):
        if params.get("key") != "sesame":
            raise synq.Error("unauthorized", "The key is wrong")

    def init(self):
        self.assigns.update(items=[], query="", found=[])
        self.assigns.last_id = 0  # not tracked, so it stays here

    @synq.event("add")
    def add(self, payload: Add):
        if not payload.title:
            raise synq.Error("empty_title", "A task needs a title")
        self.assigns.last_id += 1
        item = {"id": self.assigns.last_id, "title": payload.title, "done": False}
        self.assigns.items.append(item)
        self.broadcast("added", {"title": payload.title}, include_self=False)
        return {"id": item["id"]}

    @synq.event("toggle")
    def toggle(self, payload: Toggle):
        for item in self.assigns.items:
            if item.id == payload.id:
                item.done = not item.done
                return
        raise synq.Error("not_found", "There is no such task")

    @synq.event("search")
    def search(self, payload: Search):
        self.assigns.query = payload.text
        self.assigns.found = [item.id for item in self.assigns.items if payload.text in item.title]

    @synq.event("export")
    async def export(self):
        items = synq.untracked(self.assigns.items)
        return {"text": await asyncio.to_thread(as_text, items)}

    @synq.event("share")
    async def share(self, payload: Add):
        async with self.server.topic("board:home", open=True) as board:
            board.put(payload.title)

    def before_close(self, reason: str):
        self.broadcast("left", {"reason": reason}, include_self=False)


@synq.channel("board:*", track=["cards", "filter"], shared=["cards", "last_id"], linger_seconds=60)
class Board(synq.Channel):
    def open_topic(self):
        self.assigns.update(cards=[], last_id=0)

    def init(self):
        self.assigns.filter = "all"  # not shared: this client's own

    @synq.event("add")
    def add(self, payload: Add):
        self.put(payload.title)

    @synq.event("filter")
    def filter(self, *, show: str):
        self.assigns.filter = show

    def put(self, title: str):
        self.assigns.last_id += 1
        self.assigns.cards.append({"id": self.assigns.last_id, "title": title})


if __name__ == "__main__":
    server = synq.Server(port=int(sys.argv[1]) if len(sys.argv) > 1 else 4000, channels=[ToDo, Board])
    server.run(started=lambda: print(f"listening on http://127.0.0.1:{server.port}/", flush=True))
