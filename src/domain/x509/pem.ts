// PEM text (RFC 7468), strict: what is not exactly that is named, never guessed.

/** Longest line of base64 that is written (RFC 7468 section 2). */
const COLUMNS = 64;

/** Why a text is not the PEM that was expected, in words that name no content. */
export interface PemProblem {
  readonly problem: string;
}

/** @returns the DER of the one block of type `label`, with nothing but white space around it. */
export function decodePem(text: string, label: string): Uint8Array | PemProblem {
  const trimmed = text.trim();
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  if (!trimmed.startsWith(begin)) return { problem: `does not start with ${begin}` };
  const stop = trimmed.indexOf('-----', begin.length);
  if (stop < 0 || !trimmed.startsWith(end, stop)) return { problem: `does not end with ${end}` };
  if (stop + end.length !== trimmed.length) return { problem: 'has more than one PEM block' };
  return decodeBody(trimmed.slice(begin.length, stop));
}

/** @returns the DER of every block, all of type `label`; text between blocks is comment. At least one. */
export function decodePemBlocks(text: string, label: string): readonly Uint8Array[] | PemProblem {
  const blocks: Uint8Array[] = [];
  for (const [, begin, body, end] of text.matchAll(/-----BEGIN ([^-]*)-----([^-]*)-----END ([^-]*)-----/g)) {
    if (begin !== label || end !== label) return { problem: `has a PEM block that is not ${label}` };
    const der = decodeBody(body ?? '');
    if ('problem' in der) return der;
    blocks.push(der);
  }
  const markers = text.split('-----BEGIN ').length - 1;
  if (markers !== blocks.length) return { problem: 'has an unfinished PEM block' };
  return blocks.length > 0 ? blocks : { problem: `has no PEM block of type ${label}` };
}

/** @returns one block, lines of 64 columns, ending in a newline. */
export function encodePem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----${encodeBody(Buffer.from(der.buffer, der.byteOffset, der.byteLength))}-----END ${label}-----\n`;
}

/** What stands between the markers: a line break, then lines that each end in one. */
function encodeBody(bytes: Buffer): string {
  const base64 = bytes.toString('base64');
  let body = '\n';
  for (let at = 0; at < base64.length; at += COLUMNS) body += `${base64.slice(at, at + COLUMNS)}\n`;
  return body;
}

/** Buffer skips what it does not know, so only a text that comes back unchanged was base64. */
function decodeBody(body: string): Uint8Array | PemProblem {
  const bytes = Buffer.from(body, 'base64');
  // What nearly everybody writes is what we would write, and needs no second look.
  if (bytes.length > 0 && encodeBody(bytes) === body) return bytes;
  const base64 = body.replace(/[\r\n\t ]/g, '');
  return bytes.length > 0 && bytes.toString('base64') === base64 ? bytes : { problem: 'has a body that is not base64' };
}
