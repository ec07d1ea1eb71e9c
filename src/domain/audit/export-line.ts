// The lines of an export of the journal: JSON Lines, each in its canonical spelling (RFC 8785), so that a line has one form and
// its digest one value. First a header, then the chains, each with where the export begins in it, then the heads, then the
// records chain by chain, then those of no chain, and last the end, which says what was before it.
import { canonicalJson } from '../text/canonical-json.ts';
import { parseJson } from '../text/parse-json.ts';
import { ISSUER_SIGNATURES } from '../x509/key-types.ts';
import { CHAIN_KINDS, type ChainKind, type ChainOpening, type ChainPoint } from './chain.ts';
import type { Head } from './head.ts';
import { statedRetention } from './kept-since.ts';
import { anyObject, base64, count, listOf, object, oneOf, sha256, stated, text, type Check } from './shape.ts';
import type { Signature } from './statement.ts';

/** Times in milliseconds since the epoch. */
export interface ExportHeader {
  readonly kind: 'export';
  readonly version: 1;
  readonly timeMs: number;
  /** Records from before are left out where they begin a chain. */
  readonly sinceMs?: number;
  /** Records from after are left out where they end a chain. */
  readonly untilMs?: number;
}

export interface ChainLine {
  readonly kind: 'chain';
  readonly opening: ChainOpening;
  /** The point after which the export has this chain. */
  readonly after: ChainPoint;
  /** The last link that retention has taken. */
  readonly removed?: ChainPoint;
}

export type HeadLine = Head & { readonly kind: 'head' };

export interface LinkLine {
  readonly kind: ChainKind;
  readonly chain: string;
  readonly sequence: number;
  readonly digest: string;
  readonly record: object;
}

/** A record from before there were chains, or by a server of a version from before. */
export interface UnchainedLine {
  readonly kind: ChainKind;
  readonly record: object;
}

export interface ChainRange {
  readonly chain: string;
  readonly kind: ChainKind;
  readonly after: ChainPoint;
  readonly through: ChainPoint;
  /** Up to where the chain went when this was said. */
  readonly last: number;
}

export interface EndStatement {
  readonly version: 1;
  readonly timeMs: number;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly chains: readonly ChainRange[];
  /** Links, and records of no chain. */
  readonly records: number;
  readonly unchained: number;
  /** SHA-256 of all lines before, each with its line feed. */
  readonly content: string;
  /** Who signed: absent from an end that nobody did. */
  readonly server?: string;
  readonly trustDomain?: string;
  readonly cluster?: string;
  /** Retention had taken nothing from after this time. */
  readonly keptSinceMs?: number;
}

export type EndLine = { readonly kind: 'end'; readonly statement: EndStatement } & Partial<Signature>;

export type ExportLine = ExportHeader | ChainLine | HeadLine | LinkLine | UnchainedLine | EndLine;

const kind = oneOf(...CHAIN_KINDS);
const version = oneOf(1);
const point = object({ sequence: count, digest: sha256 });
const opening = object(
  { chain: text, kind, server: text, openedMs: count },
  { follows: object({ chain: text, sequence: count, digest: sha256 }) },
);
const signature = { keyId: sha256, algorithm: oneOf(...Object.keys(ISSUER_SIGNATURES)), signature: base64 };
const chainInHead = stated(
  { chain: text, kind, sequence: count, digest: sha256 },
  { opening: sha256, removed: point, lastMs: count },
);
const headStatement = stated(
  { version, timeMs: count, trustDomain: text, cluster: text, server: text, chains: listOf(chainInHead) },
  {
    full: oneOf(true),
    older: count,
    previous: sha256,
    previousMs: count,
    retention: statedRetention,
    acceptedMs: count,
  },
);
/** @param shape `object` where nobody signed it. */
const endStatement = (shape: typeof object): Check =>
  shape(
    {
      version,
      timeMs: count,
      chains: listOf(shape({ chain: text, kind, after: point, through: point, last: count })),
      records: count,
      unchained: count,
      content: sha256,
    },
    { sinceMs: count, untilMs: count, server: text, trustDomain: text, cluster: text, keptSinceMs: count },
  );

const link = object({ kind, chain: text, sequence: count, digest: sha256, record: anyObject });
const unchained = object({ kind, record: anyObject });
const unsignedEnd = object({ kind: oneOf('end'), statement: endStatement(object) });
const signedEnd = object({ kind: oneOf('end'), statement: endStatement(stated), ...signature });
const record: Check = (value) => link(value) || unchained(value);

const LINES: Readonly<Record<ExportLine['kind'], Check>> = {
  export: object({ kind: oneOf('export'), version, timeMs: count }, { sinceMs: count, untilMs: count }),
  chain: object({ kind: oneOf('chain'), opening, after: point }, { removed: point }),
  head: object({ kind: oneOf('head'), statement: headStatement, ...signature }),
  decision: record,
  operation: record,
  closing: record,
  end: (value) => unsignedEnd(value) || signedEnd(value),
};

/** @returns the line without its line feed. */
export function writeLine(line: ExportLine): string {
  return canonicalJson(line);
}

/** @param line without its line feed. @returns what it says; nothing for what no export says, or says in another spelling. */
export function readLine(line: string): ExportLine | undefined {
  const value = parseJson(line);
  if (!anyObject(value)) return undefined;
  const { kind: named } = value as { readonly kind?: unknown };
  if (typeof named !== 'string' || !Object.hasOwn(LINES, named)) return undefined;
  if (!LINES[named as ExportLine['kind']](value) || !isCanonical(value, line)) return undefined;
  return value as ExportLine;
}

function isCanonical(value: unknown, line: string): boolean {
  try {
    return canonicalJson(value) === line;
  } catch {
    // A number or a text that JSON can write and RFC 8785 cannot.
    return false;
  }
}
