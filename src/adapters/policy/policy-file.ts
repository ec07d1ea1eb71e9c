// The policy file: YAML in, a domain policy out. Every problem is told at once, each with its line
// and column; nothing is guessed and no unknown key is passed over.
import { createHash } from 'node:crypto';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { AuthorityError } from '../../domain/errors.ts';
import { parseDuration } from '../../domain/duration.ts';
import type { Policy } from '../../domain/policy/policy.ts';

/** More than one file should hold; each request walks all rules. */
const MAX_RULES = 1_000;
const MAX_NAMES = 1_000;
const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa'] as const;

const pattern = z.string().regex(/^(?=.)[a-z0-9.-]*\*?$/, 'must be a name, or a prefix followed by one *');
const names = z.array(pattern).min(1).max(MAX_NAMES);
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (typeof ms === 'number' && ms > 0) return ms;
  context.addIssue(typeof ms === 'number' ? 'must be longer than zero' : ms.problem);
  return z.NEVER;
});

const rule = z.strictObject({
  namespaces: names,
  serviceAccounts: names.default(['*']),
  keyTypes: z
    .array(z.enum(KEY_TYPES))
    .min(1)
    .default([...KEY_TYPES]),
  maxTtl: duration.optional(),
});

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('NamespacePolicy'),
  rules: z.array(rule).max(MAX_RULES),
});

/**
 * @param place what an operator calls the file; each problem begins with it.
 * @throws AuthorityError CAP-X03 with every problem as a violation, the first of them in its message.
 */
export function parsePolicy(text: string, place: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${place}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(({ pos, message }) => ({ where: at(pos[0]), problem: message })));
  }
  const parsed = schema.safeParse(plain(document, place));
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.flatMap((issue) => pathsOf(issue).map((path) => located(document, at, path, issue))),
    );
  }
  const rules = parsed.data.rules.map(({ maxTtl, ...rest }) => ({ ...rest, maxTtlMs: maxTtl ?? Infinity }));
  return { revision: createHash('sha256').update(text).digest('hex').slice(0, 16), rules };
}

interface Problem {
  readonly where: string;
  readonly problem: string;
}

type Path = readonly PropertyKey[];

/** Aliases are refused: a policy has no use for them, and they are how small files become huge. */
function plain(document: Document, place: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw invalid([{ where: place, problem: 'uses YAML aliases, which a policy must not' }]);
  }
}

/** An unknown key is pointed at itself, not at the mapping it stands in. */
function pathsOf(issue: z.core.$ZodIssue): readonly Path[] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
}

function located(document: Document, at: (offset: number) => string, path: Path, issue: z.core.$ZodIssue): Problem {
  const words = issue.code === 'unrecognized_keys' ? 'is not a key of a policy' : issue.message;
  const name = path.length === 0 ? 'the document' : path.map(String).join('.');
  return { where: at(offsetOf(document, path)), problem: `${name}: ${words}` };
}

/** Where the innermost thing begins that exists on the path; a mapping's entry begins with its key. */
function offsetOf(document: Document, path: Path): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const key = path[depth - 1];
    const parent: unknown = document.getIn(path.slice(0, depth - 1), true);
    const entry = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)?.key
      : undefined;
    const node = entry ?? document.getIn(path.slice(0, depth), true);
    const start = rangeStart(node);
    if (start !== undefined) return start;
  }
  return rangeStart(document.contents) ?? 0;
}

function rangeStart(node: unknown): number | undefined {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

function invalid(problems: readonly Problem[]): AuthorityError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new AuthorityError('CAP-X03', {
    detail: `${first?.where ?? ''} ${first?.problem ?? ''}${more}`,
    violations: problems.map(({ where, problem }) => ({ path: where, actual: problem, allowed: 'a valid policy' })),
  });
}
