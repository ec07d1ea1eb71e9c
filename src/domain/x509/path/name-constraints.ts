// Whether names stand within a CA's name constraints (RFC 5280 section 4.2.1.10). Verifiers read some corners
// differently; a name passes here only where all of them let it pass: what is permitted is read narrowly (as
// OpenSSL and BoringSSL do), what is excluded widely (as Go does).
import { attributesOf, isSubjectEmpty, type NamedCertificate } from './certified-names.ts';
import type { GeneralName, NameConstraints } from './extensions.ts';
import { isPlainHost } from './unreadable.ts';

/** @returns the first name that is out of bounds, in words; nothing when all are within. */
export function nameOutOfBounds(constraints: NameConstraints, certificate: NamedCertificate): string | undefined {
  return namesOf(certificate).find((name) => !allows(constraints, name))?.words;
}

/** Why mesh peers cannot process these constraints at all, in words. */
export function unprocessed(
  { critical, permitted, excluded }: NameConstraints,
  { names }: NamedCertificate,
): string | undefined {
  const bases = [...permitted, ...excluded];
  const onAddresses = [bases, names].every((list) => list.some(({ kind }) => kind === 'ip'));
  if (onAddresses)
    return 'has name constraints on addresses, which Envoy does not process for a certificate that has one';
  const host = names.find((name) => name.kind === 'uri' && !isPlainHost(hostOf(textOf(name)) ?? ''));
  if (host !== undefined && bases.some(({ kind }) => kind === 'uri')) {
    return `has name constraints on URIs, which Envoy 1.40 does not process for ${textOf(host)}: its host is more than letters, digits and hyphens`;
  }
  // Go knows DNS, address, email and URI constraints, and refuses the certificate for any other that is critical.
  const unknown = bases.find(({ kind }) => kind === 'directory' || kind === 'other');
  if (!critical || unknown === undefined) return undefined;
  const what = unknown.kind === 'directory' ? 'directory names' : 'a kind of name that is not known';
  return `has critical name constraints on ${what}, for which Go peers (Istio's agent) refuse it`;
}

interface Name extends GeneralName {
  readonly words: string;
}

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';

function namesOf({ subjectDer, names }: NamedCertificate): readonly Name[] {
  const subject: readonly Name[] = isSubjectEmpty(subjectDer)
    ? []
    : [{ kind: 'directory', bytes: subjectDer, words: 'the subject of the certificate' }];
  // OpenSSL and BoringSSL judge a mail address in a subject as one among the other names.
  const mail = attributesOf(subjectDer)
    .filter(({ type }) => type === EMAIL_ADDRESS)
    .map(({ bytes }) => ({ kind: 'email' as const, bytes }));
  return [...subject, ...[...mail, ...names].map((name) => ({ ...name, words: format(name) }))];
}

function allows({ permitted, excluded }: NameConstraints, name: Name): boolean {
  const sameKind = (base: GeneralName): boolean => base.kind === name.kind;
  const mine = permitted.filter(sameKind);
  return (
    (mine.length === 0 || mine.some((base) => matches(base, name, 'narrow'))) &&
    !excluded.filter(sameKind).some((base) => matches(base, name, 'wide'))
  );
}

type Strictness = 'narrow' | 'wide';

function matches(base: GeneralName, name: GeneralName, strictness: Strictness): boolean {
  switch (name.kind) {
    case 'dns':
      return isDomainWithin(textOf(base), textOf(name), strictness);
    case 'uri':
      return isHostWithin(textOf(base), hostOf(textOf(name)), strictness);
    case 'ip':
      return isAddressWithin(base.bytes, name.bytes);
    case 'email':
      return isMailboxWithin(textOf(base), textOf(name), strictness);
    case 'directory':
      return isNameWithin(base.bytes, name.bytes);
    default:
      // The rest stand in no certificate of a mesh: allowed nowhere, excluded everywhere.
      return strictness === 'wide';
  }
}

/** `example.com` covers itself and what is below; a leading dot leaves itself out, where it is read narrowly. */
function isDomainWithin(base: string, name: string, strictness: Strictness): boolean {
  const bare = base.replace(/^\./, '');
  if (bare === '') return true;
  if (name.endsWith(`.${bare}`)) return true;
  return name === bare && (base === bare || strictness === 'wide');
}

/** A host of a URI: `.example.com` covers what is below, `example.com` that host alone, where it is read narrowly. */
function isHostWithin(base: string, host: string | undefined, strictness: Strictness): boolean {
  // Constraints on URIs without a host cannot be judged (section 4.2.1.10), and Go reads none into an address.
  if (host === undefined) return strictness === 'wide';
  const bare = base.replace(/^\./, '');
  // Every host for Go, none for OpenSSL and BoringSSL.
  if (bare === '') return strictness === 'wide';
  const below = host.endsWith(`.${bare}`);
  if (strictness === 'wide') return below || host === bare;
  return base === bare ? host === bare : below;
}

/** A mailbox, or all those of a host as in a URI. */
function isMailboxWithin(base: string, mailbox: string, strictness: Strictness): boolean {
  return base.includes('@') ? base === mailbox : isHostWithin(base, mailbox.split('@').at(-1), strictness);
}

function hostOf(uri: string): string | undefined {
  return /^[^:]+:\/\/(?:[^/?#@]*@)?([^/?#:]+)/.exec(uri)?.[1];
}

/** The base is an address and its mask. */
function isAddressWithin(base: Uint8Array, address: Uint8Array): boolean {
  if (base.length !== 2 * address.length) return false;
  return address.every((byte, at) => {
    const mask = base[address.length + at] ?? 0;
    return (byte & mask) === ((base[at] ?? 0) & mask);
  });
}

/** A name is within another when it begins with all of its parts; the DER of both is compared, as BoringSSL does. */
function isNameWithin(base: Uint8Array, name: Uint8Array): boolean {
  const [wanted, parts] = [partsOf(base), partsOf(name)];
  return parts.length >= wanted.length && parts.subarray(0, wanted.length).equals(wanted);
}

/** What stands in a Name: its relative distinguished names, one after the other. */
function partsOf(name: Uint8Array): Buffer {
  const first = name[1] ?? 0;
  return Buffer.from(name.subarray(first < 0x80 ? 2 : 2 + first - 0x80));
}

function textOf({ bytes }: GeneralName): string {
  return Buffer.from(bytes).toString('latin1').toLowerCase();
}

function format(name: GeneralName): string {
  if (name.kind === 'uri' || name.kind === 'dns' || name.kind === 'email') return textOf(name);
  if (name.kind !== 'ip') return `a name of kind ${name.kind}`;
  const { bytes } = name;
  if (bytes.length === 4) return bytes.join('.');
  return (Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? []).join(':');
}
