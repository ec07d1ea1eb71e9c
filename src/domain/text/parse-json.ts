/**
 * @returns the value; undefined for what is no JSON. Why it is none stays unsaid: the parser's reason quotes the text, which
 *   might be a key that was named by mistake.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
