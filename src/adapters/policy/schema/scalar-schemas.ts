// What single values of a policy look like: names, patterns, lengths of time, dates, labels. The same schemas
// check a file, complete it in editors and describe it in the reference.
import { z } from 'zod';
import { DNS_LABEL } from '../../../domain/text/dns-label.ts';
import { parseDuration } from '../../../domain/text/duration.ts';
import { MOMENT, parseMoment } from '../../../domain/text/moment.ts';
import { ANY_NAME, nameLimit, type NameLimit, type NamePattern } from '../../../domain/policy/name-patterns.ts';

/** Names in one list. */
export const MAX_NAMES = 1_000;
const MAX_LABELS = 100;

/** Text of a form; the pattern is published, the words are what is said of text that has another form. */
export function text(pattern: RegExp, words: string) {
  return z.string().regex(pattern, words);
}

interface Meaningless {
  readonly problem: string;
}

/** Text that `parse` gives a meaning, or says in words why it has none. */
export function meaning<R>(schema: z.ZodString, parse: (text: string) => R) {
  return schema.transform((written, context): Exclude<R, Meaningless> => {
    const value = parse(written);
    if (!isMeaningless(value)) return value as Exclude<R, Meaningless>;
    context.addIssue(value.problem);
    return z.NEVER;
  });
}

function isMeaningless(value: unknown): value is Meaningless {
  return typeof value === 'object' && value !== null && 'problem' in value;
}

/** RFC 1123: what Kubernetes calls namespaces; ids of rules and conditions keep to it, so that dots can part paths. */
export const label = text(
  DNS_LABEL,
  'must be 1 to 63 lower-case letters, digits and dashes, with no dash at either end',
);

/** RFC 1123: what Kubernetes calls most objects. */
export const objectName = text(
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
  'must be 1 to 253 lower-case letters, digits, dots and dashes, beginning and ending with a letter or digit',
);

/** One line that people read: spaces and line ends become one space each. */
export const sentence = (most: number) =>
  z
    .string()
    .max(most, `must have at most ${most} characters`)
    .regex(/\S/, 'must not be empty')
    .transform((written) => written.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim());

/**
 * `*`, an exact name, `prefix*` or `*suffix`.
 * @param characters those that a name may have, as in a regular expression's brackets.
 */
export function pattern(characters: string, what: string) {
  const [some, any] = [`[${characters}]{1,253}`, `[${characters}]{0,253}`];
  return text(new RegExp(`^(${some}|${any}\\*|\\*${some})$`), `must be ${what}, or * before or after a part of one`);
}

export const namespacePattern = pattern('a-z0-9.-', 'the name of a namespace');
export const accountPattern = pattern('a-z0-9.-', 'the name of a service account');
export const clusterPattern = pattern('A-Za-z0-9._-', "a cluster's id");

export function listOf<T extends z.ZodType>(member: T) {
  return z.array(member).max(MAX_NAMES);
}

/** The pattern of every name. */
export const EVERYBODY: NamePattern[] = ['*'];

/** An empty list selects nothing, which nobody means. */
export function someOf<T extends z.ZodType>(member: T) {
  return listOf(member).min(1);
}

export function limitOf(patterns: readonly string[]): NameLimit {
  return patterns.includes('*') ? ANY_NAME : nameLimit(patterns);
}

const DURATION = /^[0-9]{1,15}[smhd]$/;

/** Milliseconds, more than none. */
export const duration = meaning(z.string().meta({ pattern: DURATION.source }), (written) => {
  const ms = parseDuration(written);
  return ms === 0 ? { problem: 'must be longer than zero' } : ms;
});

/** Milliseconds, from none to as long as `most`. */
export function wait(most: string) {
  const mostMs = parseDuration(most);
  return meaning(z.string().meta({ pattern: DURATION.source }), (written) => {
    const ms = parseDuration(written);
    return typeof ms === 'number' && ms > Number(mostMs) ? { problem: `must be at most ${most}` } : ms;
  });
}

/** Milliseconds since 1970. */
export const moment = meaning(z.string().meta({ pattern: MOMENT.source, format: 'date-time' }), parseMoment);

const labelName = text(
  /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  'must be the name of a label, such as team or example.com/team',
);

/** As Kubernetes writes labels: text by name. */
export const labels = labelsOf(z.string().max(63, 'must have at most 63 characters'));
export const annotations = labelsOf(z.string().max(1_000, 'must have at most 1000 characters'));

function labelsOf(value: z.ZodString) {
  return z
    .record(labelName, value)
    .refine((entries) => Object.keys(entries).length <= MAX_LABELS, `must have at most ${MAX_LABELS} entries`);
}
