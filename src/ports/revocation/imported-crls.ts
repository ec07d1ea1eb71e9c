// The revocation lists that others signed: the corporate root's, and those of the CAs between it and our issuers.
import type { Crl } from '../../domain/x509/crl/read-crl.ts';

export interface ImportedCrls {
  /** The last good ones; whose they are, and whether they are in their time, is judged where they are used. */
  current(): readonly Crl[];
  /** Calls `listener` after each change, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
