// One version of a key of the transit engine, which signs there and never leaves it. Which one is said with every signature: the key
// may be rotated meanwhile, and the certificate is of the version that it was made for.
import { createPublicKey, hash as digest, randomBytes, verify, type KeyObject } from 'node:crypto';
import { ISSUER_SIGNATURES, KEY_TABLE, type SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import { readPublicKey } from '../../../domain/x509/public-key.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import { NEVER } from '../../../live/abortable.ts';
import type { KeySession } from '../../../live/remote-key.ts';
import type { VaultApi } from '../api/vault-api.ts';
import { VaultError } from '../api/vault-error.ts';
import type { Json } from '../api/vault-http.ts';

/** Which key. */
export interface TransitKeyName {
  /** Where the engine is mounted. */
  readonly mount: string;
  readonly key: string;
}

interface Waits {
  readonly signal: AbortSignal;
}

/** As transit names the digests of `ISSUER_SIGNATURES`. */
const DIGESTS = { sha256: 'sha2-256', sha384: 'sha2-384', sha512: 'sha2-512' } as const;
/** `vault:v2:` and the signature in base64, whatever the product is called. */
const SIGNATURE = /^[a-z]+:v(\d+):([A-Za-z0-9+/]+={0,2})$/;

/** What is read of a key: `public_key` in PEM where it is EC or RSA. */
interface KeyFacts {
  readonly versions: readonly { readonly version: number; readonly spki: Uint8Array }[];
  readonly leastVersion: number;
  readonly givesAway: boolean;
}

export class TransitSession implements KeySession {
  readonly spki: Uint8Array;
  readonly warning: string | undefined;
  /** A call fails by itself: nothing is open between two of them. */
  readonly gone = NEVER;
  readonly #api: Pick<VaultApi, 'call' | 'address'>;
  readonly #name: TransitKeyName;
  readonly #version: number;
  readonly #publicKey: KeyObject;

  private constructor(
    api: Pick<VaultApi, 'call' | 'address'>,
    name: TransitKeyName,
    { version, spki }: { readonly version: number; readonly spki: Uint8Array },
    warning: string | undefined,
  ) {
    this.#api = api;
    this.#name = name;
    this.#version = version;
    this.spki = spki;
    this.warning = warning;
    this.#publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  }

  /**
   * @param wanted DER SubjectPublicKeyInfo of the version to sign with; absent, or where no version has it, the newest.
   * @throws KeyFailure `configuration` where it is there and of no use, or not for us; the signal's reason.
   */
  static async open(
    api: Pick<VaultApi, 'call' | 'address'>,
    name: TransitKeyName,
    wanted: Uint8Array | undefined,
    options: Waits,
  ): Promise<TransitSession> {
    return asFailure(api, async () => {
      const { versions, leastVersion, givesAway } = await factsOf(api, name, options);
      const chosen =
        versions.find(({ spki }) => wanted !== undefined && Buffer.from(wanted).equals(spki)) ?? versions[0];
      if (chosen === undefined) throw new KeyFailure('configuration', 'is neither EC P-256, EC P-384 nor RSA');
      if (chosen.version < leastVersion) {
        const words = `signs no more with version ${chosen.version}, which has the certificate: min_encryption_version is ${leastVersion}`;
        throw new KeyFailure('configuration', words);
      }
      const warning = givesAway ? 'can be taken out of its engine (exportable or allow_plaintext_backup)' : undefined;
      const session = new TransitSession(api, name, chosen, warning);
      // A key that may not be used by us refuses before it is in use.
      await session.#sign(KEY_TABLE[readPublicKey(chosen.spki).family].signs, randomBytes(32), options);
      return session;
    });
  }

  async sign(algorithm: SignatureAlgorithm, tbs: Uint8Array, options: Waits): Promise<Uint8Array> {
    return asFailure(this.#api, async () => this.#sign(algorithm, tbs, options), { inUse: true });
  }

  async check(options: Waits): Promise<void> {
    await asFailure(this.#api, async () => factsOf(this.#api, this.#name, options), { inUse: true });
  }

  close(): void {
    // Nothing is open.
  }

  async #sign(algorithm: SignatureAlgorithm, tbs: Uint8Array, options: Waits): Promise<Uint8Array> {
    const { hash, keyKind } = ISSUER_SIGNATURES[algorithm];
    const { mount, key } = this.#name;
    const body = {
      input: digest(hash, tbs, 'base64'),
      prehashed: true,
      key_version: this.#version,
      ...(keyKind === 'rsa' ? { signature_algorithm: 'pkcs1v15' } : { marshaling_algorithm: 'asn1' }),
    };
    const path = `${mount}/sign/${key}/${DIGESTS[hash]}`;
    const { data } = await this.#api.call({ method: 'POST', path, body }, options);
    const signature = this.#signatureIn(data);
    if (verify(hash, tbs, this.#publicKey, signature)) return signature;
    throw new KeyFailure('away', `${this.#api.address} returned a signature that is not of the key`);
  }

  #signatureIn(data: unknown): Buffer {
    const { signature } = (data ?? {}) as Json;
    const [, version, base64 = ''] = SIGNATURE.exec(typeof signature === 'string' ? signature : '') ?? [];
    if (version === undefined) throw new KeyFailure('away', `${this.#api.address} answered with no signature`);
    if (Number(version) !== this.#version)
      throw new KeyFailure('away', `${this.#api.address} signed with version ${version}, not ${this.#version}`);
    return Buffer.from(base64, 'base64');
  }
}

/** The newest version first. */
async function factsOf(api: Pick<VaultApi, 'call'>, { mount, key }: TransitKeyName, options: Waits): Promise<KeyFacts> {
  const { data } = await api.call({ method: 'GET', path: `${mount}/keys/${key}` }, options);
  const { keys, ...facts } = (data ?? {}) as Json;
  const versions = Object.entries((keys ?? {}) as Json)
    .map(([version, value]) => ({ version: Number(version), spki: spkiOf(value) }))
    .flatMap(({ version, spki }) => (spki === undefined ? [] : [{ version, spki }]))
    .sort((one, other) => other.version - one.version);
  const least = facts['min_encryption_version'];
  return {
    versions,
    leastVersion: typeof least === 'number' ? least : 0,
    givesAway: facts['exportable'] === true || facts['allow_plaintext_backup'] === true,
  };
}

/** @returns nothing for a key that no certificate of ours has. */
function spkiOf(version: unknown): Uint8Array | undefined {
  const { public_key: pem } = (typeof version === 'object' && version !== null ? version : {}) as Json;
  if (typeof pem !== 'string') return undefined;
  try {
    const spki = createPublicKey(pem).export({ format: 'der', type: 'spki' });
    readPublicKey(spki);
    return spki;
  } catch {
    return undefined;
  }
}

/** @param options.inUse it was of use before: whatever happens, it may be so again. */
async function asFailure<T>(
  { address }: Pick<VaultApi, 'address'>,
  work: () => Promise<T>,
  { inUse = false }: { readonly inUse?: boolean } = {},
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeyFailure && inUse) throw new KeyFailure('away', error.message);
    if (!(error instanceof VaultError)) throw error;
    const words = `${address} ${error.message}`;
    if (error.kind === 'busy') throw new KeyFailure('away', words, { lost: false });
    if (error.kind === 'away' || inUse) throw new KeyFailure('away', words);
    throw new KeyFailure('configuration', `cannot be used: ${words}`);
  }
}
