// One spelling for a JSON value (RFC 8785, JSON Canonicalization Scheme): what is signed and digested must
// not depend on who wrote the file, in which order, or on which machine.

/** Text that is spelled as it is: a journal is full of it, and to look for that costs less than to have it quoted. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * @param value JSON data: null, booleans, finite numbers, strings without lone surrogates, arrays, plain objects.
 *   Members that are `undefined` are left out.
 * @throws TypeError for anything that JSON cannot say.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return textOf(value);
  if (value === null || typeof value === 'boolean') return String(value);
  // JSON.stringify writes numbers as ECMAScript does, which is what RFC 8785 section 3.2.2.3 asks for.
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') return membersOf(value as Readonly<Record<string, unknown>>);
  throw new TypeError(`${typeof value} has no canonical JSON`);
}

/** Sorted by UTF-16 code units (RFC 8785 section 3.2.3), which is how JavaScript compares text. */
function membersOf(object: Readonly<Record<string, unknown>>): string {
  let members = '';
  for (const name of Object.keys(object).sort()) {
    const value = object[name];
    if (value !== undefined) members += `${members === '' ? '' : ','}${textOf(name)}:${canonicalJson(value)}`;
  }
  return `{${members}}`;
}

function textOf(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('text with a lone surrogate has no canonical JSON');
  return JSON.stringify(text);
}
