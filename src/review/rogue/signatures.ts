// Whether one key made one signature, each asked once. Checking them is what the finder of rogue CAs spends its time on, and whoever
// planted thousands of CAs of one name decides how often: so they are counted, bounded, and give way to others now and then.
import type { PathCertificate } from '../../domain/x509/path/certificate.ts';
import { hasSigned } from '../../domain/x509/path/find-paths.ts';

/** Signatures of one look; some 100 µs each with keys that anybody uses. More certificates than are kept at all, ten times over. */
export const MAX_CHECKED = 200_000;
/** So many are checked before others have their turn. */
const PER_TURN = 100;

/** `unchecked`: beyond the bound, so that nobody knows. */
export type Signed = 'signed' | 'not signed' | 'unchecked';

export interface SignatureOptions {
  readonly signal: AbortSignal;
  /** Told how many were checked so far, now and then. */
  readonly progress?: (checked: number) => void;
  readonly maxChecked?: number;
}

export class Signatures {
  readonly #options: SignatureOptions;
  /** By the certificate and the key. */
  readonly #known = new Map<string, boolean>();
  #checked = 0;

  constructor(options: SignatureOptions) {
    this.#options = options;
  }

  /**
   * @param signer whose key it is asked of; its name is not looked at.
   * @throws the signal's reason.
   */
  async made(certificate: PathCertificate, signer: PathCertificate): Promise<Signed> {
    const pair = `${certificate.sha256} ${Buffer.from(signer.spki).toString('latin1')}`;
    const known = this.#known.get(pair);
    if (known !== undefined) return known ? 'signed' : 'not signed';
    if (this.#checked >= (this.#options.maxChecked ?? MAX_CHECKED)) return 'unchecked';
    await this.#count();
    const signed = hasSigned(signer, certificate);
    this.#known.set(pair, signed);
    return signed ? 'signed' : 'not signed';
  }

  async #count(): Promise<void> {
    this.#checked += 1;
    if (this.#checked % PER_TURN !== 0) return;
    this.#options.progress?.(this.#checked);
    await new Promise(setImmediate);
    this.#options.signal.throwIfAborted();
  }
}
