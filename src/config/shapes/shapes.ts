// The shapes a configuration value can have: how it is written, what it becomes, what is refused.
// A shape turns text into a domain value once; nothing behind the configuration checks it again.
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseLabelSelector, type LabelSelector } from '../../domain/cluster/label-selector.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { isDnsLabel } from '../../domain/text/dns-label.ts';
import { hasEmptyLabel, parseTrustDomain, type TrustDomain } from '../../domain/identity/trust-domain.ts';
import { nearest } from '../../domain/text/nearest.ts';

export interface Shape<T> {
  /** How an operator writes it. */
  readonly words: string;
  /** How the text of an environment variable or a flag is read; `structured` fits a file only. */
  readonly form: 'text' | 'number' | 'boolean' | 'list' | 'structured';
  readonly schema: z.ZodType<T>;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** More than any machine's cores are of use. */
const MAX_PROCESSES = 128;

interface Problem {
  readonly problem: string;
}

/** A shape for text that `parse` understands. */
export function parsed<T>(words: string, parse: (text: string) => T | Problem): Shape<T> {
  const schema = z
    .string({ error: ({ input }) => (input === undefined ? 'is required' : `must be text: ${words}`) })
    .transform((text, context) => {
      const value = parse(text);
      if (!isProblem(value)) return value;
      context.addIssue(value.problem);
      return z.NEVER;
    });
  return { words, form: 'text', schema: schema };
}

/** A duration between two others; its value is in milliseconds. */
export function duration(min: string, max: string): Shape<number> {
  return parsed<number>(`a duration, ${min} to ${max}`, durationWithin(min, max));
}

/** As `duration`, or `unlimited`, which is Infinity. A word of its own, because YAML 1.1 takes `off` for false. */
export function durationOrUnlimited(min: string, max: string): Shape<number> {
  const limited = durationWithin(min, max);
  return parsed<number>(`a duration, ${min} to ${max}, or \`unlimited\``, (text) =>
    text === 'unlimited' ? Infinity : limited(text),
  );
}

function durationWithin(min: string, max: string): (text: string) => number | Problem {
  const [minMs, maxMs] = [parseDuration(min) as number, parseDuration(max) as number];
  return (text) => {
    const ms = parseDuration(text);
    if (typeof ms !== 'number') return { problem: `${JSON.stringify(text)} ${ms.problem}` };
    return ms >= minMs && ms <= maxMs ? ms : { problem: `${text} is outside ${min} to ${max}` };
  };
}

export function integer(min: number, max: number): Shape<number> {
  const words = `a whole number, ${min} to ${max}`;
  const error = `must be ${words}`;
  return { words, form: 'number', schema: z.int({ error }).min(min, { error }).max(max, { error }) };
}

/** A number of processes, or `auto`. */
export const processCount: Shape<number | 'auto'> = countOrAuto(MAX_PROCESSES);

function countOrAuto(max: number): Shape<number | 'auto'> {
  const error = `must be a whole number, 1 to ${max}, or auto`;
  const count = z.int({ error }).min(1, { error }).max(max, { error });
  return {
    words: `a whole number, 1 to ${max}, or \`auto\``,
    form: 'number',
    schema: z.union([count, z.literal('auto')], { error }),
  };
}

export function fraction(min: number, max: number): Shape<number> {
  const words = `a number, ${min} to ${max}`;
  const error = `must be ${words}`;
  return { words, form: 'number', schema: z.number({ error }).min(min, { error }).max(max, { error }) };
}

export const flag: Shape<boolean> = {
  words: '`true` or `false`',
  form: 'boolean',
  schema: z.boolean({ error: 'must be true or false' }),
};

export function choice<const T extends string>(...names: readonly T[]): Shape<T> {
  const words = `one of ${names.map((name) => `\`${name}\``).join(', ')}`;
  return { words, form: 'text', schema: z.enum(names, { error: `must be ${words.replaceAll('`', '')}` }) };
}

export const trustDomain = parsed<TrustDomain>('a trust domain', (text) => {
  const problem =
    text !== '' && hasEmptyLabel(text)
      ? "has an empty label: Go's crypto/x509 parses no certificate with it, nor does Istio's agent"
      : 'is not a trust domain: lower-case letters, digits, dots, dashes, underscores';
  return parseTrustDomain(text) ?? { problem: `${JSON.stringify(text)} ${problem}` };
});

export const filePath = parsed<string>('a file path', (text) =>
  text === '' || text.includes('\0') ? { problem: 'must be a file path, and not empty' } : text,
);

/** As others call something; of any characters. */
export const name = parsed<string>('a name', (text) => (text === '' ? { problem: 'must not be empty' } : text));

/** RFC 1123, as Kubernetes demands it of a namespace. */
/** `namespace/serviceAccount` */
export const accountName = parsed<string>('a service account, as `namespace/serviceAccount`', (text) => {
  const [namespace = '', account = '', ...more] = text.split('/');
  const sound = isDnsLabel(namespace) && account.split('.').every(isDnsLabel) && more.length === 0;
  return sound
    ? text
    : { problem: `${JSON.stringify(text)} is not namespace/serviceAccount, such as istio-system/ztunnel` };
});

export const namespaceName = parsed<string>('the name of a namespace', (text) =>
  isDnsLabel(text) ? text : { problem: `${JSON.stringify(text)} is not the name of a namespace` },
);

/** RFC 1123, a single label. */
export const dnsLabel = parsed<string>('a DNS label', (text) =>
  isDnsLabel(text) ? text : { problem: `${JSON.stringify(text)} is not a DNS label in lower case` },
);

/** RFC 1123 subdomain: what Kubernetes takes as the name of most objects. */
function subdomain(words: string): Shape<string> {
  return parsed<string>(words, (text) =>
    text.length <= 253 && text.split('.').every(isDnsLabel)
      ? text
      : { problem: `${JSON.stringify(text)} is not ${words}` },
  );
}

export const objectName = subdomain('the name of an object of Kubernetes');
export const serviceAccountName = subdomain('the name of a service account');

export const labelSelector = parsed<LabelSelector>('a label selector, such as `team=shop,!legacy`', (text) =>
  parseLabelSelector(text),
);

export const address = parsed<HostPort>('host:port; port 0 takes any free one', readAddress);

export const loopbackAddress = parsed<HostPort>('host:port with a loopback host', (text) => {
  const value = readAddress(text);
  if ('problem' in value || isLoopback(value.host)) return value;
  return { problem: `${JSON.stringify(value.host)} is not a loopback address; plaintext stays on this machine` };
});

/** @returns host and port of `host:port`; an IPv6 host stands in brackets. */
export function readAddress(text: string): HostPort | Problem {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const sound = host !== undefined && port <= 65_535 && (match?.[1] === undefined || isIP(host) === 6);
  return sound ? { host, port } : { problem: `${JSON.stringify(text)} is not host:port, such as 127.0.0.1:15012` };
}

/** @returns whether it is a loopback address. An address, not a name: what a name resolves to, its DNS decides. */
export function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Hex SHA-256, with or without the `sha256:` that people are shown. */
export const sha256Hex = parsed<string>('a SHA-256 in hex, such as `sha256:84cb…`', (text) => {
  const hex = text.replace(/^sha256:/, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : { problem: 'must be a SHA-256: 64 hex digits' };
});

export const dnsName = parsed<string>('a DNS name', (text) =>
  text.length <= 253 && text.replace(/^\*\./, '').split('.').every(isDnsLabel)
    ? text
    : { problem: `${JSON.stringify(text)} is not a DNS name in lower case` },
);

/** A range of addresses, or one address, as CIDR writes it (RFC 4632 section 3.1, RFC 4291 section 2.3). */
export const addressRange = parsed<{ readonly address: string; readonly prefix: number }>(
  'an address range, such as `10.0.0.0/8`',
  (text) => {
    const [address = '', digits, more] = text.split('/');
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    const prefix = digits === undefined ? bits : /^\d{1,3}$/.test(digits) ? Number(digits) : -1;
    const sound = more === undefined && prefix >= 0 && prefix <= bits;
    return sound
      ? { address, prefix }
      : { problem: `${JSON.stringify(text)} is not an address range such as 10.0.0.0/8` };
  },
);

export const ipAddress = parsed<string>('an IP address', (text) =>
  isIP(text) > 0 ? text : { problem: `${JSON.stringify(text)} is not an IP address` },
);

/** An absolute URL, maybe with credentials: a key of this shape is secret. */
export const collectorUrl = parsed<string>('an http or https URL', (text) =>
  /^https?:$/.test(URL.parse(text)?.protocol ?? '')
    ? text
    : { problem: `${JSON.stringify(text)} is not an http or https URL` },
);

/** An absolute URL without credentials: it will stand in logs. */
export const httpUrl = parsed<string>('an http or https URL', (text) => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return { problem: 'must be an http or https URL' };
  return url.username === '' && url.password === '' ? text : { problem: 'must not carry a user name or password' };
});

/** As `httpUrl`, and encrypted. */
export const httpsUrl = parsed<string>('an https URL', (text) => {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:') return { problem: 'must be an https URL' };
  return url.username === '' && url.password === '' ? text : { problem: 'must not carry a user name or password' };
});

/** A list; from the environment or a flag, its members stand between commas. */
export function listOf<T>(member: Shape<T>, most: number): Shape<readonly T[]> {
  const words = `a list of at most ${most}, each ${member.words}`;
  const schema = z.array(member.schema, { error: 'must be a list' }).max(most, { error: `must have at most ${most}` });
  return { words, form: member.form === 'text' ? 'list' : 'structured', schema };
}

/** A mapping of these fields; an unknown field is refused with the nearest known one. */
export function fields<const S extends z.ZodRawShape>(words: string, shape: S): Shape<z.output<z.ZodObject<S>>> {
  const known = Object.keys(shape);
  const schema = z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys, known) : `must be ${words}`),
  });
  return { words, form: 'structured', schema: schema };
}

function unknownFields(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => `unknown key ${JSON.stringify(key)}; ${suggestion(key, known)}`).join(', ');
}

/** @returns what an operator may have meant. */
export function suggestion(name: string, known: readonly string[]): string {
  const guess = nearest(name, known);
  return guess === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${guess}?`;
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'problem' in value;
}
