// What a server and the process that has its token say to each other. That process is apart because a module of a vendor may hang
// or crash: it is killed then, and the server goes on.
import type { SignatureAlgorithm } from '../../../domain/x509/key-types.ts';
import type { FailureKind } from '../../../live/key-failure.ts';

/** Which key, of which token. The token goes by its label or by the number of its slot, the key by its label, its id or both. */
export interface TokenKeyReference {
  /** Path of the PKCS#11 library. */
  readonly module: string;
  readonly tokenLabel?: string | undefined;
  readonly slot?: number | undefined;
  readonly keyLabel?: string | undefined;
  /** CKA_ID in hex. */
  readonly keyId?: string | undefined;
}

/** `open` comes first, and once. */
export type TokenRequest =
  | {
      readonly do: 'open';
      readonly reference: TokenKeyReference;
      readonly pin: string;
      /** DER SubjectPublicKeyInfo: of several keys that the reference names, the one that is meant. */
      readonly certified?: Uint8Array;
    }
  | { readonly do: 'sign'; readonly algorithm: SignatureAlgorithm; readonly tbs: Uint8Array }
  /** Whether the token is there, and the session logged in. */
  | { readonly do: 'check' }
  /** Answered with `HeldKey`s. */
  | { readonly do: 'list' }
  /** The one with that public key, DER SubjectPublicKeyInfo. */
  | { readonly do: 'remove'; readonly spki: Uint8Array };

export interface OpenedToken {
  /** DER SubjectPublicKeyInfo; the private key has signed for it. */
  readonly spki: Uint8Array;
  readonly warning?: string;
}

export type TokenReply = { readonly number: number } & (
  { readonly value: unknown } | { readonly failure: FailureKind; readonly words: string }
);

export type NumberedRequest = TokenRequest & { readonly number: number };
