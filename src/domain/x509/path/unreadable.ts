// What stands in a certificate and makes peers refuse to read it at all: Go's parser (Istio's agent, istiod) is stricter than
// OpenSSL's, and Envoy 1.40 stricter than 1.36 on constraints. What they do not read, no path goes through.
import type { PathCertificate } from './certificate.ts';
import type { GeneralName, NameConstraints } from './extensions.ts';
import { attributesOf, type Attribute } from './certified-names.ts';

/** The string types that Go knows, and what may stand in each; its PrintableString has `*` and `&` beside X.680's. */
const TEXTS: Readonly<Record<number, readonly [type: string, allowed: RegExp]>> = {
  0x0c: ['UTF8String', /^[^\ufffd]*$/],
  0x12: ['NumericString', /^[0-9 ]*$/],
  0x13: ['PrintableString', /^[A-Za-z0-9 '()+,./:=?*&-]*$/],
  0x14: ['TeletexString', /^[^]*$/],
  0x16: ['IA5String', /^[\0-\x7f]*$/],
  0x1e: ['BMPString', /^[^]*$/],
};
/** Labels of printable characters; a host's are letters, digits and hyphens, for Envoy 1.40 at least. */
const DOMAIN = /^\.?[!-\-/-~]+(\.[!-\-/-~]+)*$/;
const HOST = /^\.?([a-z0-9][a-z0-9-]*\.)*(?![0-9]+$)[a-z0-9][a-z0-9-]*$/i;
const MAILBOX = /^([!#-'*+\-/-9=?A-Z^-~.]+@)?(?!\.?$)[!-\-/-?A-~.]+$/;

/** Whether every peer reads this where it compares hosts: no other characters, and no address. */
export function isPlainHost(host: string): boolean {
  return HOST.test(host);
}

/** @returns why some peers do not read this certificate, in words that follow its name. */
export function unreadable({ subjectDer, extensions }: PathCertificate): string | undefined {
  const { criticalKeyId, names, nameConstraints } = extensions;
  if (criticalKeyId) return 'has a critical key identifier, which OpenSSL and Go peers refuse';
  const text = attributesOf(subjectDer).find((attribute) => !isReadable(attribute));
  if (text !== undefined) {
    const [type = `tag ${text.tag}`] = TEXTS[text.tag] ?? [];
    return `has a subject that Go peers do not read: one of its parts is no proper string (${type})`;
  }
  const name = names.find((one) => !isReadableName(one));
  if (name !== undefined) return `has a ${WORDS[name.kind]} that Go peers do not read (${shown(name)})`;
  return nameConstraints && unreadableConstraint(nameConstraints);
}

function unreadableConstraint({ permitted, excluded }: NameConstraints): string | undefined {
  const bases = [...permitted, ...excluded];
  if (bases.length === 0) return 'has name constraints that name nothing, which Go peers do not read';
  const base = bases.find((one) => !isReadableBase(one));
  return base && `has name constraints on a ${WORDS[base.kind]} that peers do not read (${shown(base)})`;
}

function isReadable({ tag, bytes }: Attribute): boolean {
  const [, allowed] = TEXTS[tag] ?? [];
  return allowed?.test(Buffer.from(bytes).toString(tag === 0x0c ? 'utf8' : 'latin1')) === true;
}

function isReadableName({ kind, bytes }: GeneralName): boolean {
  if (kind === 'ip') return bytes.length === 4 || bytes.length === 16;
  if (kind !== 'uri') return true;
  const uri = latin1(bytes);
  return !uri.includes('://') || (URL.canParse(uri) && !/%(?![0-9a-f]{2})/i.test(uri));
}

function isReadableBase({ kind, bytes }: GeneralName): boolean {
  const text = latin1(bytes);
  switch (kind) {
    case 'ip':
      return bytes.length === 8 || bytes.length === 32
        ? /^1*0*$/.test(bitsOf(bytes.subarray(bytes.length / 2)))
        : false;
    case 'dns':
      return text === '' || DOMAIN.test(text);
    case 'uri':
      return text === '' || HOST.test(text);
    case 'email':
      return text === '' || MAILBOX.test(text);
    default:
      return true;
  }
}

function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
}

const WORDS: Readonly<Record<GeneralName['kind'], string>> = {
  uri: 'URI',
  dns: 'DNS name',
  ip: 'range of addresses',
  email: 'mail address',
  directory: 'directory name',
  other: 'name',
};

/** Of one line, and not without end. */
function shown({ kind, bytes }: GeneralName): string {
  return kind === 'ip' ? Buffer.from(bytes).toString('hex') : JSON.stringify(latin1(bytes).slice(0, 80));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
