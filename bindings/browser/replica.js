import { applyPatch } from "./json-patch.js";

/**
 * The client's copy of a channel's state, and its position: the `epoch` and `version` from which a server that
 * keeps channels for those who come back (`resume_ms`) can go on.
 */
export class Replica {
  state = undefined;
  version = null;
  epoch = null;

  replace({ state, version, epoch = null }) {
    Object.assign(this, { state, version, epoch });
  }

  /** Takes a patch, and tells whether it could: if not, something was missed. */
  patch({ operations, version, base }) {
    if (!this.#isNext(version, base)) return false;
    try {
      this.state = applyPatch(this.state, operations);
    } catch {
      return false;
    }
    this.version = version;
    return true;
  }

  /** The state stays to be shown; no patch fits on it any more. */
  forgetPosition() {
    this.version = this.epoch = null;
  }

  /** A patch leads from the version before its own, or from `base` where it holds several changes. */
  #isNext(version, base) {
    if (this.version === null) return false;
    if (base !== undefined) return base === this.version;
    return version === this.version + 1 || version === 0;
  }
}
