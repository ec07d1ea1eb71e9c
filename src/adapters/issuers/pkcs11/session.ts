// One session with one token, logged in, for one key. Lives in a process of its own: every call may block. What it opens it never
// opens again; a token that was away gets a new process, because modules remember what was (SoftHSM: every handle of a token that
// was gone stays invalid until the module is initialised anew).
import { createRequire } from 'node:module';
import { createPublicKey, randomBytes, verify, type KeyObject } from 'node:crypto';
import type * as Pkcs11Package from 'pkcs11js';
import { ISSUER_SIGNATURES, type SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import { findKey, listKeys, removeKey, type FoundKey, type Session } from './key-objects.ts';
import type { HeldKey } from '../../../ports/issuing/key-inventory.ts';
import { signWith } from './mechanisms.ts';
import { KeyFailure } from '../../../live/key-failure.ts';
import type { OpenedToken, TokenKeyReference, TokenRequest } from './messages.ts';

/** PKCS#11 v3.0: numbers of flags, users and return values. */
const CKF_OS_LOCKING_OK = 2;
const CKF_RW_SESSION = 2;
const CKF_SERIAL_SESSION = 4;
const CKF_USER_PIN_FINAL_TRY = 0x20000;
const CKF_USER_PIN_LOCKED = 0x40000;
const CKU_USER = 1;
const CKR_USER_ALREADY_LOGGED_IN = 0x100;
/** Incorrect, invalid, of the wrong length, expired, locked. */
const ABOUT_THE_PIN: readonly number[] = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4];
/** ECDSA by the length of a coordinate; RSA is none of them. */
const BY_CURVE: Readonly<Record<string, SignatureAlgorithm>> = {
  prime256v1: 'ecdsa-p256-sha256',
  secp384r1: 'ecdsa-p384-sha384',
};

export class TokenSession {
  readonly #token: Session & { readonly slot: Buffer };
  readonly #found: FoundKey;
  readonly #publicKey: KeyObject;

  private constructor(token: Session & { readonly slot: Buffer }, found: FoundKey) {
    this.#token = token;
    this.#found = found;
    this.#publicKey = createPublicKey({ key: Buffer.from(found.spki), format: 'der', type: 'spki' });
  }

  /**
   * Logs in, once.
   * @param load another one only in tests.
   * @throws KeyFailure, whatever goes wrong.
   */
  static open(
    { reference, pin, certified }: Omit<Extract<TokenRequest, { do: 'open' }>, 'do'>,
    load: (module: string) => Pkcs11Package.PKCS11 = loaded,
  ): TokenSession {
    return asFailure(() => {
      const pkcs11 = load(reference.module);
      const slot = slotOf(pkcs11, reference);
      const session = pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION);
      logIn({ pkcs11, session }, slot, pin);
      const token = { pkcs11, session, slot };
      const opened = new TokenSession(token, findKey(token, reference, certified));
      opened.#demandOwnSignature();
      return opened;
    });
  }

  get opened(): OpenedToken {
    const { spki, warning } = this.#found;
    return { spki, ...(warning !== undefined && { warning }) };
  }

  /** @returns the signature, once it was verified. @throws KeyFailure */
  sign(algorithm: SignatureAlgorithm, tbs: Uint8Array): Uint8Array {
    return asFailure(() => {
      const signature = signWith({ ...this.#token, key: this.#found.key }, algorithm, tbs);
      if (verify(ISSUER_SIGNATURES[algorithm].hash, tbs, this.#publicKey, signature)) return signature;
      throw new KeyFailure('away', 'the token returned a signature that is not of its key');
    });
  }

  /** @throws KeyFailure when the token is gone, or has forgotten us. */
  check(): void {
    asFailure(() => {
      const { pkcs11, session, slot } = this.#token;
      pkcs11.C_GetTokenInfo(slot);
      pkcs11.C_GetSessionInfo(session);
    });
  }

  /** @throws KeyFailure */
  list(): readonly HeldKey[] {
    return asFailure(() => listKeys(this.#token));
  }

  /** In a session of its own, for this one changes nothing; the login counts for both. @throws KeyFailure */
  remove(spki: Uint8Array): void {
    if (Buffer.from(spki).equals(this.#found.spki))
      throw new KeyFailure('configuration', 'has that key in use: it is the one that signs', { lost: false });
    const { pkcs11, slot } = this.#token;
    try {
      const session = pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
      try {
        removeKey({ pkcs11, session }, spki);
      } finally {
        pkcs11.C_CloseSession(session);
      }
    } catch (error) {
      if (error instanceof KeyFailure) throw error;
      throw new KeyFailure('configuration', `does not let go of that key: ${messageOf(error)}`, { lost: false });
    }
  }

  /** A key that does not sign, or not for the public key beside it, refuses before it is in use. */
  #demandOwnSignature(): void {
    const { namedCurve = '' } = this.#publicKey.asymmetricKeyDetails ?? {};
    this.sign(BY_CURVE[namedCurve] ?? 'rsa-sha256', randomBytes(32));
  }
}

function loaded(module: string): Pkcs11Package.PKCS11 {
  const require = createRequire(import.meta.url);
  const pkcs11 = new (pkcs11js(require).PKCS11)();
  try {
    pkcs11.load(module);
  } catch (error) {
    throw new KeyFailure('configuration', `is behind a library that cannot be loaded: ${messageOf(error)}`);
  }
  // Without it a module may take no locks of its own, and pkcs11js has threads.
  pkcs11.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  return pkcs11;
}

function pkcs11js(require: NodeJS.Require): typeof Pkcs11Package {
  try {
    return require('pkcs11js') as typeof Pkcs11Package;
  } catch {
    throw new KeyFailure(
      'configuration',
      'needs the package pkcs11js, which is not here: it is compiled when Capstan is installed, where there are Python, make and a C++ compiler',
    );
  }
}

/** A token that is not there may have been pulled, so it is waited for, with the names of those that are. */
function slotOf(pkcs11: Pkcs11Package.PKCS11, { tokenLabel, slot }: TokenKeyReference): Buffer {
  const tokens = pkcs11
    .C_GetSlotList(true)
    .map((one) => ({ slot: one, label: pkcs11.C_GetTokenInfo(one).label.trimEnd() }));
  const fits = tokens.filter((one) =>
    tokenLabel === undefined ? one.slot.readUIntLE(0, 6) === slot : one.label === tokenLabel,
  );
  const [token] = fits;
  const what = tokenLabel === undefined ? `slot ${slot ?? ''}` : `a token called ${JSON.stringify(tokenLabel)}`;
  if (token === undefined) {
    const others = tokens.map(({ label }) => JSON.stringify(label)).filter((label) => label !== '""');
    throw new KeyFailure('away', `the module has not ${what}${others.length > 0 ? `, only ${others.join(', ')}` : ''}`);
  }
  if (fits.length === 1) return token.slot;
  throw new KeyFailure('configuration', `has ${fits.length} tokens called ${JSON.stringify(tokenLabel)}: name a slot`);
}

/** The last try before a token locks itself is left to a person. */
function logIn({ pkcs11, session }: Session, slot: Buffer, pin: string): void {
  const { flags } = pkcs11.C_GetTokenInfo(slot);
  if ((flags & CKF_USER_PIN_LOCKED) !== 0) throw new KeyFailure('refused', 'is locked: its PIN was wrong too often');
  if ((flags & CKF_USER_PIN_FINAL_TRY) !== 0) {
    throw new KeyFailure('refused', 'takes one more PIN before it locks: log in once by hand, which ends this');
  }
  try {
    pkcs11.C_Login(session, CKU_USER, pin);
  } catch (error) {
    const code = codeOf(error);
    if (code === CKR_USER_ALREADY_LOGGED_IN) return;
    if (!ABOUT_THE_PIN.includes(code)) throw error;
    throw new KeyFailure(
      'refused',
      `does not take the PIN (${messageOf(error)}), which is not tried again until it changes`,
    );
  }
}

function asFailure<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof KeyFailure ? error : new KeyFailure('away', messageOf(error));
  }
}

/** `CKR_DEVICE_REMOVED at C_SignInit`; what a module says has no PIN in it. */
function messageOf(error: unknown): string {
  const { message, method = '' } = error as { readonly message: string; readonly method?: string };
  return method === '' ? message : `${message} at ${method}`;
}

function codeOf(error: unknown): number {
  return (error as { readonly code?: number }).code ?? 0;
}
