// Belt and braces of the log: no event carries a key, a token or a CSR, and if one ever does by
// mistake (a library's error text, say), what looks like one is cut out before it is written.

/**
 * PEM blocks (whole or cut off, with real or JSON-escaped line breaks), JWTs, bearer credentials
 * and long bare base64 of a DER SEQUENCE. Lengths are bounded so that matching stays linear.
 */
const SECRET_LOOKING = new RegExp(
  [
    String.raw`-----BEGIN [A-Z0-9 ]{1,40}-----(?:[A-Za-z0-9+/=\s]|\\[nrt])*(?:-----END [A-Z0-9 ]{1,40}-----)?`,
    String.raw`\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{2,8192}(?:\.[A-Za-z0-9_-]{0,8192})?`,
    String.raw`\b[Bb]earer +[A-Za-z0-9._~+/=-]{8,8192}`,
    String.raw`\bMI[A-Za-z0-9+/]{62,}={0,2}`,
  ].join('|'),
  'g',
);

/** @param line a finished log line; it stays valid JSON. */
export function scrubSecrets(line: string): string {
  return line.replace(SECRET_LOOKING, '[redacted]');
}
