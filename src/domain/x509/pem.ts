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
  return decodeBase64(trimmed.slice(begin.length, stop));
}

/** @returns the DER of every block, all of type `label`; text between blocks is comment. At least one. */
export function decodePemBlocks(text: string, label: string): readonly Uint8Array[] | PemProblem {
  const blocks: Uint8Array[] = [];
  for (const [, begin, body, end] of text.matchAll(/-----BEGIN ([^-]*)-----([^-]*)-----END ([^-]*)-----/g)) {
    if (begin !== label || end !== label) return { problem: `has a PEM block that is not ${label}` };
    const der = decodeBase64(body ?? '');
    if ('problem' in der) return der;
    blocks.push(der);
  }
  const markers = text.split('-----BEGIN ').length - 1;
  if (markers !== blocks.length) return { problem: 'has an unfinished PEM block' };
  return blocks.length > 0 ? blocks : { problem: `has no PEM block of type ${label}` };
}

/** @returns one block, lines of 64 columns, ending in a newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  let lines = '';
  for (let at = 0; at < base64.length; at += COLUMNS) lines += `${base64.slice(at, at + COLUMNS)}\n`;
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

function decodeBase64(body: string): Uint8Array | PemProblem {
  const base64 = body.replace(/[\r\n\t ]/g, '');
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what it does not know; only a text that comes back unchanged was base64.
  if (bytes.length === 0 || bytes.toString('base64') !== base64) return { problem: 'has a body that is not base64' };
  return bytes;
}
