// What a certificate may be: `bounds` of a central rule, where identity has to be spelled out, and `narrow` of
// a local policy, where every field that is left out limits nothing.
import { z } from 'zod';
import { parseTrustDomain } from '../../../domain/identity/trust-domain.ts';
import {
  KEY_TYPES,
  USAGES,
  type Bounds,
  type KeyLimit,
  type KeyType,
  type TtlLimit,
} from '../../../domain/policy/bounds.ts';
import { ANY_NAME, NO_NAME, type NameLimit } from '../../../domain/policy/name-patterns.ts';
import { look } from './checks.ts';
import { accountPattern, duration, limitOf, listOf, meaning, pattern, someOf, text } from './scalar-schemas.ts';

const [MIN_RSA_BITS, MAX_RSA_BITS] = [2048, 16_384];
const KEY = /^(ec-p256|ec-p384|ed25519|rsa(>=[1-9][0-9]{3,4})?)$/;

const impersonator = text(
  /^([a-z0-9-]{1,63}\/[a-z0-9.-]{1,253}|[a-z0-9./-]{0,317}\*|\*[a-z0-9./-]{1,317})$/,
  'must be namespace/service-account, or * before or after a part of it',
);

const TEMPLATE =
  /^spiffe:\/\/(\{trustDomain\}|[a-z0-9._-]+)(\/([A-Za-z0-9._-]|\{(namespace|serviceAccount|trustDomain)\})+)+$/;
const PLACEHOLDERS = ['{trustDomain}', '{namespace}', '{serviceAccount}'];

/** SPIFFE-ID sections 2.1 and 2.2: a trust domain, and segments that are neither empty nor dots alone. */
const template = meaning(z.string().max(2_048).meta({ pattern: TEMPLATE.source }), (written) => {
  const unknown = (written.match(/\{[^{}]*\}/g) ?? []).find((name) => !PLACEHOLDERS.includes(name));
  if (unknown !== undefined) return { problem: `knows ${PLACEHOLDERS.join(', ')}, and not ${unknown.slice(0, 40)}` };
  const [domain = '', ...segments] = written.replace('spiffe://', '').split('/');
  const sound = TEMPLATE.test(written) && !segments.some((segment) => segment === '.' || segment === '..');
  if (sound && (domain === '{trustDomain}' || parseTrustDomain(domain) !== undefined)) return written;
  return { problem: 'must be a SPIFFE ID such as spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}' };
});

const keys = someOf(text(KEY, 'must be one of ec-p256, ec-p384, ed25519, rsa, or rsa>= and a number of bits'))
  .transform((written, context): KeyLimit => {
    const limit: Partial<Record<KeyType, number>> = {};
    for (const [index, key] of written.entries()) {
      const type = KEY_TYPES.find((name) => key.startsWith(name)) ?? 'rsa';
      const bits = type === 'rsa' ? Number(key.split('>=')[1] ?? MIN_RSA_BITS) : 0;
      const problem = keyProblem(limit, type, bits);
      if (problem !== undefined) context.addIssue({ code: 'custom', path: [index], message: problem });
      limit[type] = bits;
    }
    return limit;
  })
  .describe('Types of keys. `rsa` alone is `rsa>=2048`.');

function keyProblem(limit: KeyLimit, type: KeyType, bits: number): string | undefined {
  if (limit[type] !== undefined) return `names ${type} a second time`;
  const sound = type !== 'rsa' || (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS);
  return sound ? undefined : `must ask for ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`;
}

const usages = someOf(z.enum(USAGES))
  .transform((written) => USAGES.filter((usage) => written.includes(usage)))
  .describe('What certificates may be used for.');

const ttlFields = {
  min: duration.optional().describe('Shortest lifetime that may be asked for. Absent, any.'),
  max: duration.describe('Longest lifetime; a longer requested lifetime is cut to it.'),
  default: duration.optional().describe('Lifetime when the request names none. Absent, the server decides.'),
};
const ttlOrder = look(({ min = 0, max = Infinity, default: usual }, complain) => {
  if (typeof min !== 'number' || typeof max !== 'number') return;
  if (min > max) complain(['min'], 'is longer than max');
  if (typeof usual === 'number' && (usual < min || usual > max)) complain(['default'], 'is not between min and max');
});
const ttlWords = 'How long certificates may be valid.';
const ruleTtl = z.strictObject(ttlFields).superRefine(...ttlOrder);
const anyTtl = z
  .strictObject({ ...ttlFields, max: ttlFields.max.optional().describe('Longest lifetime. Absent, no limit.') })
  .superRefine(...ttlOrder);

const fields = {
  trustDomains: someOf(pattern('a-z0-9._-', 'a trust domain')).describe('Trust domains of identities.'),
  spiffeId: template.describe(
    "How the SPIFFE ID is spelled. `{trustDomain}`, `{namespace}` and `{serviceAccount}` stand for the workload's own.",
  ),
  serviceAccounts: someOf(accountPattern).optional().describe('Service accounts that may have one. Absent, any.'),
  dnsNames: z
    .union([z.literal('none'), listOf(pattern('a-z0-9._-', 'a DNS name'))], 'must be none, or a list of patterns')
    .describe('DNS names that a certificate may carry: `none`, or patterns.'),
  impersonators: listOf(impersonator).describe(
    'Who may ask on behalf of a workload, such as the node proxy of an ambient mesh, as `namespace/service-account`.',
  ),
  issuer: pattern('A-Za-z0-9._-', "an issuer's name")
    .optional()
    .describe("The issuer that must sign, by its name in the server's configuration. Absent, any."),
};

export const bounds = z
  .strictObject({
    ...fields,
    dnsNames: fields.dnsNames.prefault('none'),
    ttl: ruleTtl.describe(ttlWords),
    keys,
    usages,
    impersonators: fields.impersonators
      .prefault([])
      .describe(`${fields.impersonators.description ?? ''} Absent, nobody.`),
  })
  .transform(boundsOf)
  .meta({ id: 'Bounds', description: 'What a central rule lets a certificate be.' });

export const narrowing = z
  .strictObject({ ...fields, ttl: anyTtl.describe(ttlWords), keys, usages })
  .partial()
  .transform(boundsOf)
  .meta({ id: 'Narrowing', description: 'Limits within those of the bundle. What is left out limits nothing more.' });

type Written = {
  readonly [F in 'trustDomains' | 'serviceAccounts' | 'impersonators']?: readonly string[] | undefined;
} & {
  readonly spiffeId?: string | undefined;
  readonly dnsNames?: 'none' | readonly string[] | undefined;
  readonly issuer?: string | undefined;
  readonly keys?: KeyLimit | undefined;
  readonly usages?: Bounds['usages'] | undefined;
  readonly ttl?: { readonly [F in 'min' | 'max' | 'default']?: number | undefined } | undefined;
};

function boundsOf(written: Written): Bounds {
  const { keys: keyLimit, usages: allowed, dnsNames, issuer, spiffeId } = written;
  return {
    trustDomains: optionalLimit(written.trustDomains),
    spiffeIds: optionalLimit(spiffeId === undefined ? undefined : [spiffeId]),
    serviceAccounts: optionalLimit(written.serviceAccounts),
    dnsNames: dnsNames === 'none' ? NO_NAME : optionalLimit(dnsNames),
    issuers: optionalLimit(issuer === undefined ? undefined : [issuer]),
    impersonators: optionalLimit(written.impersonators),
    ...(keyLimit !== undefined && { keys: keyLimit }),
    ...(allowed !== undefined && { usages: allowed }),
    ttl: ttlOf(written.ttl),
  };
}

function ttlOf(written: Written['ttl']): TtlLimit {
  return { minMs: written?.min ?? 0, maxMs: written?.max ?? Infinity, defaultMs: written?.default ?? Infinity };
}

function optionalLimit(patterns: readonly string[] | undefined): NameLimit {
  return patterns === undefined ? ANY_NAME : limitOf(patterns);
}
