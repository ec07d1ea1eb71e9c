// The names that a certificate certifies, as constraints judge them.
import { ipAddressBytes } from '../ip-address.ts';
import type { SubjectAltName } from '../template.ts';
import type { GeneralName } from './extensions.ts';

export interface NamedCertificate {
  /** Whole DER. */
  readonly subjectDer: Uint8Array;
  readonly names: readonly GeneralName[];
}

const EMPTY_SUBJECT = Uint8Array.of(0x30, 0);

/** A certificate that Capstan would issue: an empty subject and these names. */
export function namedAs(names: readonly SubjectAltName[]): NamedCertificate {
  return {
    subjectDer: EMPTY_SUBJECT,
    names: names.map(({ kind, value }) => ({
      kind,
      bytes: kind === 'ip' ? ipAddressBytes(value) : Buffer.from(value, 'latin1'),
    })),
  };
}

export function isSubjectEmpty(subjectDer: Uint8Array): boolean {
  return subjectDer.length === EMPTY_SUBJECT.length;
}
