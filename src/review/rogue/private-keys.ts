// Which private key lies with which certificate, told by names alone: `tls.key` is that of `tls.crt`, `ca-key.pem` that of
// `ca-cert.pem`. Keys are never opened, so that one that is wrong, or encrypted, says the same.

/** Of names in a place that has more keys, the first. */
const MAX_SHOWN = 3;

const EXTENSION = /\.(pem|crt|cer|cert|der|key|ca-bundle|txt)$/;
const ROLE = /[-_.]?(certificate|cert|crt|chain|bundle|fullchain|privkey|private|key)$/;

/**
 * @param texts names of all texts of a place with certificates. @param keys names of its texts with private keys.
 * @returns for the name of a text the names of the keys that are its own: by its name, else those that are of no other text.
 */
export function keysByText(texts: readonly string[], keys: readonly string[]): (text: string) => readonly string[] {
  const stems = new Set(texts.map(stemOf));
  const nobodys = keys.filter((key) => !stems.has(stemOf(key)));
  return (text) => {
    const own = keys.filter((key) => key === text || stemOf(key) === stemOf(text));
    return own.length > 0 ? own : nobodys;
  };
}

/** In words that follow `private key:`. */
export function shownKeys(keys: readonly string[]): string {
  const more = keys.length > MAX_SHOWN ? ` and ${keys.length - MAX_SHOWN} more` : '';
  return `${keys.slice(0, MAX_SHOWN).join(', ')}${more}`;
}

/** `tls` of `tls.crt`, `ca` of `ca-key.pem`, nothing of `cert-chain.pem` and `key.pem`. */
function stemOf(name: string): string {
  let stem = name.toLowerCase().replace(EXTENSION, '');
  for (let shorter = stem.replace(ROLE, ''); shorter !== stem; shorter = stem.replace(ROLE, '')) stem = shorter;
  return stem;
}
