/** JSON Patch (RFC 6902) for immutable documents. */

/**
 * Applies a patch to `document` and gives the new document. Throws, and has changed nothing, when an
 * operation cannot be performed. Containers that no operation reached are the same objects in both.
 */
export function applyPatch(document, operations) {
  if (!Array.isArray(operations)) throw new Error("a JSON Patch is an array of operations");
  const draft = new Draft(document);
  operations.forEach((operation, index) => {
    try {
      perform(operation, draft);
    } catch (error) {
      throw new Error(`operation ${index} of the patch: ${error.message}`, { cause: operation });
    }
  });
  return draft.document;
}

function perform(operation, draft) {
  const op = field(operation, "op");
  const path = tokensOf(field(operation, "path"));
  switch (op) {
    case "add":
      return draft.add(path, field(operation, "value"));
    case "replace":
      return draft.replace(path, field(operation, "value"));
    case "remove":
      return draft.remove(path);
    case "move":
      return draft.move(tokensOf(field(operation, "from")), path);
    case "copy":
      return draft.copy(tokensOf(field(operation, "from")), path);
    case "test":
      return draft.test(path, field(operation, "value"));
    default:
      throw new Error(`"${op}" is no operation`);
  }
}

/** A document while it is patched: each container is copied when the first operation writes below it. */
class Draft {
  #top; // has the document as its member "", so that the whole is a value with a holder like any other
  #made; // containers that nobody else sees yet: these are changed in place

  constructor(document) {
    this.#top = { "": document };
    this.#made = new Set([this.#top]);
  }

  get document() {
    return Object.hasOwn(this.#top, "") ? this.#top[""] : null;
  }

  add(path, value) {
    const holder = this.#holder(path);
    const token = path.at(-1);
    if (!Array.isArray(holder)) put(holder, token, value);
    else holder.splice(token === "-" ? holder.length : indexOf(token, holder.length), 0, value);
  }

  replace(path, value) {
    const holder = this.#holder(path);
    put(holder, keyOf(holder, path.at(-1)), value);
  }

  remove(path) {
    const holder = this.#holder(path);
    const key = keyOf(holder, path.at(-1));
    if (Array.isArray(holder)) holder.splice(key, 1);
    else delete holder[key];
  }

  move(from, path) {
    const value = this.#value(from);
    if (from.every((token, i) => token === path[i])) {
      if (from.length === path.length) return;
      throw new Error("a value cannot move into itself");
    }
    this.remove(from);
    this.add(path, value);
  }

  copy(from, path) {
    const value = this.#value(from);
    // From here on the value is held twice: neither holder may change it in place.
    this.#made = new Set([this.#top]);
    this.add(path, value);
  }

  test(path, value) {
    if (!isEqual(this.#value(path), value)) throw new Error("the test failed");
  }

  #value(path) {
    return path.reduce((node, token) => node[keyOf(node, token)], this.#top);
  }

  /** What holds the value at `path`, made writable together with all that holds it. */
  #holder(path) {
    return path.slice(0, -1).reduce((node, token) => {
      const key = keyOf(node, token);
      if (!isContainer(node[key])) throw new Error(`nothing can be in "${token}"`);
      if (!this.#made.has(node[key])) {
        put(node, key, Array.isArray(node[key]) ? node[key].slice() : { ...node[key] });
        this.#made.add(node[key]);
      }
      return node[key];
    }, this.#top);
  }
}

const isContainer = (value) => typeof value === "object" && value !== null;

function field(operation, name) {
  if (isContainer(operation) && Object.hasOwn(operation, name)) return operation[name];
  throw new Error(`"${name}" is missing`);
}

/** The reference tokens of a JSON Pointer (RFC 6901), after one for the whole document, which is "". */
function tokensOf(pointer) {
  if (typeof pointer !== "string" || !/^(\/|$)/.test(pointer) || /~(?![01])/.test(pointer)) {
    throw new Error(`${JSON.stringify(pointer)} is no JSON Pointer`);
  }
  const tokens = pointer.split("/");
  if (!pointer.includes("~")) return tokens;
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Own members only: "__proto__" and "constructor" are names like any other, and reach no prototype. */
function keyOf(node, token) {
  if (Array.isArray(node)) return indexOf(token, node.length - 1);
  if (isContainer(node) && Object.hasOwn(node, token)) return token;
  throw new Error(`there is no "${token}"`);
}

function indexOf(token, last) {
  if (/^(0|[1-9]\d*)$/.test(token) && Number(token) <= last) return Number(token);
  throw new Error(`"${token}" is no index of this array`);
}

function put(node, key, value) {
  if (key !== "__proto__") node[key] = value;
  else Object.defineProperty(node, key, { value, writable: true, enumerable: true, configurable: true });
}

function isEqual(a, b) {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}
