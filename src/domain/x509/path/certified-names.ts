// The names that a certificate certifies, as constraints judge them.
import { ipAddressBytes } from '../../text/ip-address.ts';
import { dotted, DerReader, TAG } from '../der.ts';
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

/** One part of a distinguished name. */
export interface Attribute {
  /** Dotted. */
  readonly type: string;
  /** Of its string. */
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** @param name whole DER of a Name that has been parsed before. */
export function attributesOf(name: Uint8Array): readonly Attribute[] {
  const found: Attribute[] = [];
  const sets = DerReader.over(name).enter(TAG.sequence, 'name');
  while (!sets.done) {
    const set = sets.enter(TAG.set, 'part of a name');
    while (!set.done) {
      const attribute = set.enter(TAG.sequence, 'attribute');
      const type = dotted(attribute.read(TAG.oid, 'attribute type'));
      const tag = attribute.nextTag;
      found.push({ type, tag, bytes: attribute.read(tag, 'attribute value') });
    }
  }
  return found;
}

export function isSubjectEmpty(subjectDer: Uint8Array): boolean {
  return subjectDer.length === EMPTY_SUBJECT.length;
}
