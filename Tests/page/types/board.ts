/** What the types of synq.js know and refuse. Compiled, not run: an expected error that does not come is one. */

import { applyPatch, presence, Socket, store, SynqError } from "synq";

interface Board {
  title: string;
  cards: { id: number; done: boolean }[];
}

const socket = new Socket("/socket", { params: () => ({ token: "t" }), resume: sessionStorage });
const channel = socket.channel<Board>("board:1", { user: "Ada" });

const title: string | undefined = channel.state?.title;
channel.onState(({ cards }, { version, operations }) => {
  const ids: number[] = cards.map((card) => card.id);
  console.log(ids, version, operations?.length);
});
// @ts-expect-error: there may be no state yet
channel.state.title;
// @ts-expect-error: a board has no such member
channel.onState(({ colour }) => colour);

const done = store(channel, (board) => board.cards.filter((card) => card.done).length);
const count: number | undefined = done.getSnapshot();
done.subscribe((now) => now?.toFixed());
// @ts-expect-error: the selector gives numbers
done.subscribe((now) => now?.toUpperCase());
// @ts-expect-error: a board has no such member
store(channel, (board) => board.owner);
const whole: Board | undefined = store(channel).getSnapshot();

const { id } = await channel.push<{ id: number }>(
  "add",
  { text: "Milk" },
  { optimistic: (board) => ({ ...board, cards: [...board.cards, { id: 0, done: false }] }) },
);
// @ts-expect-error: an overlay gives a board
channel.push("rename", {}, { optimistic: () => ({ title: "x" }) });
channel.push("upload", new Uint8Array(3), { timeoutMs: 60_000 });
channel.on<ArrayBuffer>("picture", (bytes) => bytes.byteLength);
channel.onStatus((status, { resumed }) => status === "joined" && resumed === true);

const here = presence<{ status: string }>(channel);
const names: string[] = here.list((name, { metas }) => `${name}: ${metas[0].status} ${metas[0].phx_ref}`);
here.onJoin((key, before, joined) => before ?? joined.metas.length);
const keys: string[] = here.list().map(({ key }) => key);

interface Room {
  members: Record<string, { metas: { phx_ref: string; status: string }[] }>;
}
const members = presence<{ status: string }>(socket.channel<Room>("room:1"), (room: Room) => room.members);
members.onSync(() => members.list((key, { metas }) => key + metas[0].status));

socket.onError(({ code, details }) => console.log(code, details));
socket.onFrame((frame) => (frame.text === undefined ? frame.bytes.byteLength : frame.text.length));
const patched: Board = applyPatch<Board>({}, [{ op: "add", path: "/title", value: "x" }]);
// @ts-expect-error: only the client makes these
new SynqError("error", {});

export { count, id, keys, names, patched, title, whole };
