/** Texts and bytes in the alphabets that headers, subprotocols and text messages allow. */

/** A text's UTF-8, a character for each byte: how `btoa` and the headers of `fetch` take bytes. */
export const utf8 = (text) => characters(new TextEncoder().encode(text));

export const base64 = (bytes) => btoa(characters(bytes));

/** A text's UTF-8 in the alphabet that may stand in a subprotocol. */
export const base64url = (text) =>
  btoa(utf8(text)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** In parts: a call takes only so many arguments. */
function characters(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}
