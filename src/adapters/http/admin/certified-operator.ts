// Who an operator is by the client certificate that was verified for a TLS connection, and which role that gives.
import { readPathCertificate, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { attributesOf } from '../../../domain/x509/path/certified-names.ts';
import type { Stranger } from './administration.ts';
import { ROLES, type Role, type RoledOperator } from '../../../authority/administration/roles.ts';

/** For each role the names that have it, such as `URI:spiffe://corp.example/ops/*`, `DNS:ops.example.com` or `CN:alice`. */
export type RoleNames = Readonly<Record<Role, readonly string[]>>;

const COMMON_NAME = '2.5.4.3';
const KINDS = { uri: 'URI', dns: 'DNS', email: 'EMAIL' } as const;

/**
 * The highest role that one of the certificate's names has. The operator is called by one name, whichever gave the role, and
 * known by all of them: whoever shares one is the same person.
 * @param der of the leaf, which the listener verified.
 */
export function certifiedOperator(der: Uint8Array, roles: RoleNames): RoledOperator | Stranger {
  const certificate = readPathCertificate(der);
  const names = 'problem' in certificate ? [] : namesOf(certificate);
  const [actor = 'a certificate without a name'] = names;
  const role = ROLES.findLast((one) => names.some((name) => roles[one].some((pattern) => fits(pattern, name))));
  return role === undefined ? { actor, role: 'none' } : { actor, role, local: false, names };
}

/** URI names first, then DNS names, mail addresses and common names, each in the order of the certificate. */
function namesOf({ extensions, subjectDer }: PathCertificate): readonly string[] {
  const alternative = (['uri', 'dns', 'email'] as const).flatMap((kind) =>
    extensions.names
      .filter((name) => name.kind === kind)
      .map(({ bytes }) => `${KINDS[kind]}:${Buffer.from(bytes).toString('latin1')}`),
  );
  const common = attributesOf(subjectDer)
    .filter(({ type }) => type === COMMON_NAME)
    .map(({ bytes }) => `CN:${Buffer.from(bytes).toString('utf8')}`);
  return [...alternative, ...common].filter(isPlain);
}

/** What could be read as another name is none: it goes into records and onto terminals. */
function isPlain(name: string): boolean {
  return name.length <= 300 && /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(name);
}

/** A `*` at the end stands for anything. */
function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
