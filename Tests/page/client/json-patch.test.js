import { applyPatch } from "/synq/json-patch.js";
import { equal, same, test, throws } from "./harness.js";

const add = (path, value) => ({ op: "add", path, value });
const remove = (path) => ({ op: "remove", path });
const replace = (path, value) => ({ op: "replace", path, value });
const move = (from, path) => ({ op: "move", from, path });
const copy = (from, path) => ({ op: "copy", from, path });
const expect = (path, value) => ({ op: "test", path, value });

const works = [
  // what, document, operations, result
  ["nothing to do", { a: 1 }, [], { a: 1 }],
  ["add a member", {}, [add("/a", null)], { a: null }],
  ["add over a member", { a: 1 }, [add("/a", 2)], { a: 2 }],
  ["add a member with an empty name", {}, [add("/", 1)], { "": 1 }],
  ["add at the front of an array", [2], [add("/0", 1)], [1, 2]],
  ["add in an array", [1, 3], [add("/1", 2)], [1, 2, 3]],
  ["add at the length of an array", [1], [add("/1", 2)], [1, 2]],
  ["add after the end of an array", [1], [add("/-", 2)], [1, 2]],
  ["add a whole document", 1, [add("", { a: 1 })], { a: 1 }],
  ["remove a member", { a: 1, b: 2 }, [remove("/a")], { b: 2 }],
  ["remove an element", [1, 2, 3], [remove("/1")], [1, 3]],
  ["replace a member", { a: 1 }, [replace("/a", [])], { a: [] }],
  ["replace null", { a: null }, [replace("/a", 1)], { a: 1 }],
  ["replace an element", [1, 2], [replace("/1", 3)], [1, 3]],
  ["replace a whole document", { a: 1 }, [replace("", "x")], "x"],
  ["move a member", { a: 1 }, [move("/a", "/b")], { b: 1 }],
  ["move an element forward", [1, 2, 3], [move("/0", "/2")], [2, 3, 1]],
  ["move an element back", [1, 2, 3], [move("/2", "/0")], [3, 1, 2]],
  ["move onto itself", { a: 1 }, [move("/a", "/a")], { a: 1 }],
  ["move to a sibling whose name begins alike", { a: 1 }, [move("/a", "/ab")], { ab: 1 }],
  ["copy a member", { a: { b: 1 } }, [copy("/a", "/c")], { a: { b: 1 }, c: { b: 1 } }],
  ["copy into itself", { a: { b: 1 } }, [copy("/a", "/a/c")], { a: { b: 1, c: { b: 1 } } }],
  [
    "test a value whose members are in another order",
    { a: { x: 1, y: 2 } },
    [expect("/a", { y: 2, x: 1 })],
    { a: { x: 1, y: 2 } },
  ],
  [
    "escaped names",
    { "a/b": 1, "m~n": 2, "~1": 3 },
    [remove("/a~1b"), replace("/m~0n", 3), remove("/~01")],
    { "m~n": 3 },
  ],
  ["names that are numbers", { 0: "a" }, [replace("/0", "b")], { 0: "b" }],
  [
    "several operations, each on the result of the one before",
    { a: [] },
    [add("/a/-", { n: 1 }), replace("/a/0/n", 2), add("/a/0/m", 3)],
    { a: [{ n: 2, m: 3 }] },
  ],
];

for (const [what, document, operations, result] of works) {
  test(`patch: ${what}`, () => {
    const before = structuredClone(document);
    equal(applyPatch(document, operations), result);
    equal(document, before);
  });
}

const fails = [
  ["remove what is not there", {}, [remove("/a")], /there is no "a"/],
  ["replace what is not there", { a: 1 }, [replace("/b", 1)], /there is no "b"/],
  ["add below what is not there", {}, [add("/a/b", 1)], /there is no "a"/],
  ["add below a string", { a: "text" }, [add("/a/0", 1)], /nothing can be in/],
  ["add below a root that is null", null, [add("/a", 1)], /nothing can be in/],
  ["an index beyond the end", [1], [add("/2", 1)], /no index/],
  ["the end as an element", [1], [remove("/-")], /no index/],
  ["an index with a leading zero", [1, 2], [remove("/01")], /no index/],
  ["a negative index", [1], [remove("/-1")], /no index/],
  ["an index that is no number", [1], [replace("/1e0", 1)], /no index/],
  ["length, which is no element", [1], [replace("/length", 0)], /no index/],
  ["a move into itself", { a: { b: 1 } }, [move("/a", "/a/b/c")], /into itself/],
  ["a move from where nothing is", {}, [move("/a", "/b")], /there is no "a"/],
  ["a test that fails", { a: 1 }, [expect("/a", "1")], /the test failed/],
  ["a test of an array against an object", { a: [] }, [expect("/a", {})], /the test failed/],
  ["an unknown operation", {}, [{ op: "spam", path: "" }], /"spam" is no operation/],
  ["no operation", {}, [{ path: "" }], /"op" is missing/],
  ["no path", {}, [{ op: "remove" }], /"path" is missing/],
  ["no value", {}, [{ op: "add", path: "/a" }], /"value" is missing/],
  ["no from", {}, [{ op: "copy", path: "/a" }], /"from" is missing/],
  ["a pointer without its slash", { a: 1 }, [remove("a")], /no JSON Pointer/],
  ["a pointer with a lone tilde", { "a~": 1 }, [remove("/a~")], /no JSON Pointer/],
  ["a pointer with an unknown escape", { "a~2": 1 }, [remove("/a~2")], /no JSON Pointer/],
  ["a pointer that is a number", [1], [remove(0)], /no JSON Pointer/],
  ["an operation that is null", {}, [null], /"op" is missing/],
  ["a patch that is an object", {}, {}, /array of operations/],
  ["an inherited member", {}, [remove("/toString")], /there is no "toString"/],
];

for (const [what, document, operations, message] of fails) {
  test(`patch refused: ${what}`, () => {
    const before = structuredClone(document);
    throws(() => applyPatch(document, operations), message);
    equal(document, before);
  });
}

test("patch: the failing operation is named, and nothing of the patch is done", () => {
  const document = { a: [1] };
  throws(() => applyPatch(document, [add("/a/-", 2), remove("/b")]), /^operation 1 of the patch/);
  equal(document, { a: [1] });
});

test("patch: what no operation reached is the same object", () => {
  const document = { left: { a: [1] }, right: { b: [2], c: {} } };
  const result = applyPatch(document, [replace("/right/b/0", 3)]);
  same(result.left, document.left);
  same(result.right.c, document.right.c);
  for (const changed of [result !== document, result.right !== document.right]) same(changed, true);
  same(result.right.b === document.right.b, false);
});

test("patch: a patch without effect gives the same document", () => {
  const document = { a: 1 };
  same(applyPatch(document, []), document);
  same(applyPatch(document, [expect("/a", 1)]), document);
});

test("patch: a copy that is changed later leaves its origin alone", () => {
  const operations = [add("/a/x", 1), copy("/a", "/b"), replace("/a/x", 2), add("/b/y", 3)];
  equal(applyPatch({ a: {} }, operations), { a: { x: 2 }, b: { x: 1, y: 3 } });
});

test("patch: a value of the patch is not changed by a later operation", () => {
  const value = { n: 1 };
  equal(applyPatch({}, [add("/a", value), replace("/a/n", 2)]), { a: { n: 2 } });
  equal(value, { n: 1 });
});

test("patch: __proto__ is a name like any other and reaches no prototype", () => {
  const document = JSON.parse('{"a": {}}');
  const result = applyPatch(document, [add("/a/__proto__", { polluted: true })]);
  same({}.polluted, undefined);
  same(result.a.polluted, undefined);
  same(JSON.stringify(result), '{"a":{"__proto__":{"polluted":true}}}');
  const again = applyPatch(result, [add("/b", 1), replace("/a/__proto__/polluted", 2)]);
  same(JSON.stringify(again), '{"a":{"__proto__":{"polluted":2}},"b":1}');
  throws(() => applyPatch({}, [add("/__proto__/polluted", true)]), /there is no "__proto__"/);
  throws(() => applyPatch({}, [add("/constructor/prototype/polluted", true)]), /there is no "constructor"/);
  same({}.polluted, undefined);
});
