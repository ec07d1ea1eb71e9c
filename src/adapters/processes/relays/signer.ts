// Keys that only the supervisor holds sign for its workers here, so that a worker that ends takes no key with it and its
// successor asks nobody for one. What crosses is the name of a key, what is to be signed, and the signature.
import { hash } from 'node:crypto';
import { Recent } from '../../../domain/bounded/recent.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import type { Custody, OpenedKey, SignerOpener } from '../../../ports/issuing/signer-opener.ts';
import type { Link } from '../link.ts';
import { keyAtHand } from './pairs.ts';

const OPEN_TOPIC = 'signer/open';
const SIGN_TOPIC = 'signer/sign';

/** Keys that are open at once: more than there are issuers. The one that was opened longest ago makes room. */
const MAX_KEYS = 1_000;
/** RFC 7468, of every kind of private key. */
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

type Opened = { readonly spki: string } | { readonly problem: string };

interface ToSign {
  /** As `idOf`. */
  readonly key: string;
  readonly algorithm: SignatureAlgorithm;
  /** Base64 of the DER TBSCertificate. */
  readonly tbs: string;
}

/** At the supervisor's end: one for all of its workers. */
export class SharedSigners {
  readonly #opener: SignerOpener;
  readonly #keys = new Recent<OpenedKey>(MAX_KEYS);

  constructor(opener: SignerOpener) {
    this.#opener = opener;
  }

  attach(link: Link): void {
    link.serve(OPEN_TOPIC, async (document, options) => this.#open(document as string, options));
    link.serve(SIGN_TOPIC, async (body, options) => this.#sign(body as unknown as ToSign, options));
  }

  async #open(document: string, options: { readonly signal: AbortSignal }): Promise<Opened> {
    const key = await this.#opener.open({ text: document }, options);
    if ('problem' in key) return key;
    this.#keys.set(idOf(key.spki), key);
    return { spki: base64(key.spki) };
  }

  async #sign({ key, algorithm, tbs }: ToSign, options: { readonly signal: AbortSignal }): Promise<string> {
    const opened = this.#keys.get(key);
    if (opened === undefined) throw new AuthorityError('CAP-S04', { detail: 'the key is not open at the supervisor' });
    return base64(await opened.signerFor(algorithm).sign(Buffer.from(tbs, 'base64'), options));
  }
}

/**
 * At a worker's end: opens keys at the supervisor.
 * @param settings.custody where they lie there.
 */
export function relayedSignerOpener(link: Link, { custody }: { readonly custody: Custody }): SignerOpener {
  return {
    custody,
    open: async ({ text, secret }, options) => {
      // A key that a document holds, and what opens one, is no business of another process.
      if (PRIVATE_KEY.test(text)) return { problem: 'is a private key, where the name of one is expected' };
      if (secret !== undefined) return { problem: 'comes with a secret, where the supervisor has what opens it' };
      const opened = (await keyAtHand(link.ask(OPEN_TOPIC, text, options))) as unknown as Opened;
      return 'problem' in opened ? opened : relayedKey(link, Buffer.from(opened.spki, 'base64'));
    },
  };
}

function relayedKey(link: Link, spki: Uint8Array): OpenedKey {
  const key = idOf(spki);
  return {
    spki,
    signerFor: (algorithm) => ({
      algorithm,
      sign: async (tbs, options) => {
        const body = { key, algorithm, tbs: base64(tbs) } satisfies ToSign;
        return Buffer.from((await keyAtHand(link.ask(SIGN_TOPIC, body, options))) as string, 'base64');
      },
    }),
  };
}

/** Hex SHA-256 of the public key. */
function idOf(spki: Uint8Array): string {
  return hash('sha256', spki, 'hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
