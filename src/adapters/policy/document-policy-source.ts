// The policy file: YAML in, a domain policy out, with every problem and its position. A broken edit
// leaves the last good policy in force.
import { createHash } from 'node:crypto';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { AuthorityError } from '../../domain/errors.ts';
import { parseDuration } from '../../domain/duration.ts';
import type { Policy } from '../../domain/policy/policy.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { Events } from '../../ports/events.ts';
import type { PolicySource } from '../../ports/policy-source.ts';

/** An exact name, or one with a single `*` at its end. */
const pattern = z.string().regex(/^([a-z0-9.-]+\*?|\*)$/, 'must be a name, or a prefix followed by one *');
const names = z.array(pattern).min(1).max(1000);
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (typeof ms === 'number' && ms > 0) return ms;
  context.addIssue(typeof ms === 'number' ? 'must be longer than zero' : ms.problem);
  return z.NEVER;
});

const schema = z.strictObject({
  apiVersion: z.literal('capstan.dev/v1alpha1'),
  kind: z.literal('NamespacePolicy'),
  rules: z
    .array(
      z.strictObject({
        namespaces: names,
        serviceAccounts: names.default(['*']),
        keyTypes: z
          .array(z.enum(['ec-p256', 'ec-p384', 'rsa']))
          .min(1)
          .default(['ec-p256', 'ec-p384', 'rsa']),
        maxTtl: duration.optional(),
      }),
    )
    .max(1000),
});

/** @throws AuthorityError CAP-X03 listing each problem with line and column. */
export function parsePolicy(text: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const [syntax] = document.errors;
  if (syntax !== undefined) throw invalid([syntax.message.split('\n')[0] ?? 'is not YAML']);
  const parsed = schema.safeParse(plain(document));
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map((issue) => positioned(document, lines, issue)));
  }
  const rules = parsed.data.rules.map(({ maxTtl, ...rule }) => ({ ...rule, maxTtlMs: maxTtl ?? Infinity }));
  return { revision: createHash('sha256').update(text).digest('hex').slice(0, 16), rules };
}

/** Aliases are refused: a policy has no use for them, and they are how small files become huge. */
function plain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw invalid(['uses YAML aliases, which a policy must not']);
  }
}

function positioned(document: Document, lines: LineCounter, issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? 'document' : issue.path.join('.');
  for (let depth = issue.path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(issue.path.slice(0, depth) as (string | number)[], true) as
      { range?: [number] } | undefined;
    const offset = node?.range?.[0];
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return `${line}:${col} ${where}: ${issue.message}`;
    }
  }
  return `${where}: ${issue.message}`;
}

function invalid(problems: readonly string[]): AuthorityError {
  const violations = problems.map((problem) => ({ path: 'policy', actual: problem, allowed: 'a valid policy' }));
  return new AuthorityError('CAP-X03', { detail: `policy ${problems.join('; ')}`, violations });
}

export class DocumentPolicySource implements PolicySource {
  readonly #documents: DocumentSource;
  readonly #events: Events;
  readonly #listeners = new Set<() => void>();
  #policy: Policy | undefined;
  #lastRead: string | undefined;

  constructor(parts: { readonly documents: DocumentSource; readonly events: Events }) {
    this.#documents = parts.documents;
    this.#events = parts.events;
  }

  /** @throws AuthorityError CAP-X03 when the first load fails. */
  async start({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#load();
    this.#documents.onChange(() => void this.#reload(), { signal });
  }

  current(): Policy {
    if (this.#policy === undefined) throw new AuthorityError('CAP-S02');
    return this.#policy;
  }

  onChange(listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
  }

  async #load(): Promise<void> {
    const text = (await this.#documents.read()).get('policy') ?? '';
    if (text === this.#lastRead) return;
    this.#lastRead = text;
    this.#policy = parsePolicy(text);
    this.#events.reloaded({ source: 'policy', revision: this.#policy.revision });
    for (const listener of this.#listeners) listener();
  }

  async #reload(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
      this.#events.reloadFailed({ source: 'policy', problem });
    }
  }
}
