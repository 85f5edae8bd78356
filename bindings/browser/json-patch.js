/** JSON Patch (RFC 6902) for immutable documents. */

/**
 * Applies a JSON Patch (RFC 6902) to `document` and gives the new document. Throws, and has changed nothing, when
 * an operation cannot be performed.
 * Containers that no operation reached are the same objects in both.
 */
export function applyPatch(document, operations) {
  const made = new Set(); // containers of this patch's making: nobody else sees them yet
  let root = document;

  const writable = (container) => {
    if (made.has(container)) return container;
    const copy = Array.isArray(container) ? container.slice() : { ...container };
    made.add(copy);
    return copy;
  };

  /** A writable copy of what holds the last token, reached through writable copies. */
  const holder = (tokens) => {
    if (!isContainer(root)) throw new Error("the document is neither an object nor an array");
    let node = (root = writable(root));
    for (const token of tokens.slice(0, -1)) {
      const key = existingKey(node, token);
      if (!isContainer(node[key])) throw new Error(`"${token}" is neither an object nor an array`);
      const child = writable(node[key]);
      put(node, key, child);
      node = child;
    }
    return node;
  };

  const add = (tokens, value) => {
    if (tokens.length === 0) return void (root = value);
    const node = holder(tokens);
    const token = tokens.at(-1);
    if (!Array.isArray(node)) put(node, token, value);
    else node.splice(token === "-" ? node.length : arrayIndex(token, node.length), 0, value);
  };

  const replace = (tokens, value) => {
    if (tokens.length === 0) return void (root = value);
    const node = holder(tokens);
    put(node, existingKey(node, tokens.at(-1)), value);
  };

  const remove = (tokens) => {
    if (tokens.length === 0) return void (root = null);
    const node = holder(tokens);
    const key = existingKey(node, tokens.at(-1));
    if (Array.isArray(node)) node.splice(key, 1);
    else delete node[key];
  };

  const perform = (operation) => {
    const path = pointerTokens(field(operation, "path"));
    switch (field(operation, "op")) {
      case "add":
        return add(path, field(operation, "value"));
      case "replace":
        return replace(path, field(operation, "value"));
      case "remove":
        return remove(path);
      case "test":
        if (!isEqual(valueAt(root, path), field(operation, "value"))) throw new Error("the test failed");
        return;
      case "move": {
        const from = pointerTokens(field(operation, "from"));
        const value = valueAt(root, from);
        if (from.every((token, i) => token === path[i])) {
          if (from.length === path.length) return;
          throw new Error("a value cannot move into itself");
        }
        remove(from);
        return add(path, value);
      }
      case "copy": {
        const value = valueAt(root, pointerTokens(field(operation, "from")));
        made.clear(); // from here on the value is held twice: neither holder may change it in place
        return add(path, value);
      }
      default:
        throw new Error(`"${operation.op}" is no operation`);
    }
  };

  if (!Array.isArray(operations)) throw new Error("a JSON Patch is an array of operations");
  operations.forEach((operation, index) => {
    try {
      perform(operation);
    } catch (error) {
      throw new Error(`operation ${index} of the patch: ${error.message}`, { cause: operation });
    }
  });
  return root;
}

const isContainer = (value) => typeof value === "object" && value !== null;

function field(operation, name) {
  if (isContainer(operation) && Object.hasOwn(operation, name)) return operation[name];
  throw new Error(`"${name}" is missing`);
}

function pointerTokens(pointer) {
  if (typeof pointer !== "string" || !/^(\/([^~]|~[01])*)?$/u.test(pointer)) {
    throw new Error(`${JSON.stringify(pointer)} is no JSON Pointer`);
  }
  return pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueAt(root, tokens) {
  return tokens.reduce((node, token) => node[existingKey(node, token)], root);
}

/** Own members only: "__proto__" and "constructor" are names like any other, and reach no prototype. */
function existingKey(node, token) {
  if (Array.isArray(node)) return arrayIndex(token, node.length - 1);
  if (isContainer(node) && Object.hasOwn(node, token)) return token;
  throw new Error(`there is no "${token}"`);
}

function arrayIndex(token, last) {
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
