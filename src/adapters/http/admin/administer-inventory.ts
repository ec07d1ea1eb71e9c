// Who has a certificate, for operators: page by page, by conditions in the address, and which pods of the mesh have none. All roles
// may read, and a team what is of its namespaces.
import type { Context } from 'hono';
import { z } from 'zod';
import {
  MAX_COVERAGE_ROWS,
  type AskedCoverage,
  type CoverageAnswer,
} from '../../../authority/inventory/coverage-overview.ts';
import type { EndsAhead } from '../../../authority/inventory/ends-ahead.ts';
import type {
  InventoryRow,
  InventoryRows,
  InventoryPageRequest,
} from '../../../authority/inventory/inventory-overview.ts';
import type { ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { COVERAGE_STATES } from '../../../domain/inventory/coverage.ts';
import { INVENTORY_STATES } from '../../../domain/inventory/entry.ts';
import {
  INVENTORY_ORDERS,
  orderOf,
  type InventoryConditions,
  type InventoryPlace,
} from '../../../domain/inventory/question.ts';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { MAX_PAGE } from '../../../ports/inventory/inventory.ts';
import { demandRole, demandTeam, type AdministrationPart } from './administration.ts';

export interface InventoryParts {
  readonly list: (request: InventoryPageRequest) => Promise<InventoryRows>;
  readonly show: (asked: AskedIdentity) => Promise<ShownIdentity>;
  readonly coverage: (asked: AskedCoverage) => Promise<CoverageAnswer>;
  readonly ends: () => Promise<EndsAhead>;
}

export interface AskedIdentity {
  readonly identity: string;
  /** Behind which of its pods, where it has more than were shown. */
  readonly after?: InventoryPlace;
  /** Only of these; absent, all. */
  readonly namespaces?: readonly string[];
}

/**
 * One identity: its certificates, what they lead to, what was decided about it, and how it ended.
 * @typeParam Decision as `review` tells it: handed through.
 */
export interface IdentityAnswer<Decision = unknown> extends Omit<InventoryRows, 'next'> {
  /** Of each issuer of `rows` that is in force now, by its id: from its own certificate upwards, below the anchor. */
  readonly chains: Readonly<
    Record<string, readonly { readonly subject: string; readonly sha256: string; readonly notAfterMs: number }[]>
  >;
  /** The newest `MAX_DECISIONS`, newest first. */
  readonly decisions: readonly Decision[];
  /** Its ends, as many; also of pods that `rows` has no more. */
  readonly closings: readonly ClosingRecord[];
  /** As of `InventoryAnswer`. */
  readonly cursor?: string;
}

/** @typeParam Decision as of `IdentityAnswer`. */
export type ShownIdentity<Decision = unknown> = Omit<IdentityAnswer<Decision>, 'cursor'> & Pick<InventoryRows, 'next'>;

/** As it is read over HTTP. */
export interface InventoryAnswer extends Omit<InventoryRows, 'next' | 'rows'> {
  readonly rows: readonly InventoryRow[];
  /** What `cursor` of the next page is; absent on the last. */
  readonly cursor?: string;
}

export const INVENTORY = '/inventory';
export const IDENTITY = '/inventory/identity';
export const COVERAGE = '/inventory/coverage';
export const ENDS = '/inventory/ends';
/** Of one identity. */
export const MAX_DECISIONS = 50;
export const MAX_HOLDERS = 100;

const MAX_TEXT = 4_096;
/** Characters of a parameter that is none, in the words that say so. */
const MAX_NAMED = 60;
/** No text of PostgreSQL holds U+0000, so that nobody is called so (postgresql.org/docs/current/datatype-character.html). */
const stored = z.string().regex(/^[^\0]*$/);
const text = stored.min(1).max(MAX_TEXT);
const PARAMETERS = z.strictObject({
  identity: text.optional(),
  serial: z
    .string()
    .regex(/^[0-9a-fA-F:]{1,80}$/)
    .transform((serial) =>
      serial
        .replaceAll(':', '')
        .toLowerCase()
        .replace(/^0+(?=.)/, ''),
    )
    .optional(),
  podName: text.optional(),
  podUid: text.optional(),
  nodeName: text.optional(),
  namespace: text.optional(),
  issuer: text.optional(),
  issuerName: text.optional(),
  trustAnchor: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/)
    .toLowerCase()
    .optional(),
  cluster: text.optional(),
  policyRevision: text.optional(),
  state: z.enum(INVENTORY_STATES).optional(),
  endsBeforeMs: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  cursor: text.optional(),
});

const COVERAGE_PARAMETERS = z.strictObject({
  cluster: text.optional(),
  namespace: text.optional(),
  state: z.enum(COVERAGE_STATES).optional(),
  gap: z
    .literal('true')
    .transform(() => true as const)
    .optional(),
  limit: z.coerce.number().int().min(1).max(MAX_COVERAGE_ROWS).default(MAX_COVERAGE_ROWS),
});

const PLACE = z.strictObject({
  order: z.enum(INVENTORY_ORDERS),
  atMs: z.number().int().optional(),
  identity: stored,
  cluster: stored,
  podUid: stored,
});

export function administerInventory({ list, show, coverage, ends }: InventoryParts): AdministrationPart {
  return (routes) => {
    routes.get(INVENTORY, demandTeam, async (c) => {
      const { namespaces } = c.get('operator');
      const { next, ...answer } = await list({ ...requestOf(c), ...(namespaces !== undefined && { namespaces }) });
      return c.json({ ...answer, ...(next && { cursor: cursorOf(next) }) } satisfies InventoryAnswer);
    });
    routes.get(ENDS, demandRole('viewer'), async (c) => c.json(await ends()));
    routes.get(IDENTITY, demandTeam, async (c) => {
      const { namespaces } = c.get('operator');
      const given = text.safeParse(c.req.query('identity'));
      if (!given.success) throw new AuthorityError('CAP-O02', { detail: 'no identity is named' });
      const [identity, cursor] = [given.data, c.req.query('cursor')];
      const after = cursor === undefined ? undefined : placeIn(cursor, { identity });
      const asked = { identity, ...(after && { after }), ...(namespaces !== undefined && { namespaces }) };
      const { next, ...answer } = await show(asked);
      return c.json({ ...answer, ...(next && { cursor: cursorOf(next) }) } satisfies IdentityAnswer);
    });
    routes.get(COVERAGE, demandTeam, async (c) => {
      const { namespaces } = c.get('operator');
      const asked = definedOf(parametersOf(c, COVERAGE_PARAMETERS)) as unknown as AskedCoverage;
      return c.json(await coverage({ ...asked, ...(namespaces !== undefined && { namespaces }) }));
    });
  };
}

function requestOf(c: Pick<Context, 'req'>): InventoryPageRequest {
  const { limit, cursor, ...named } = parametersOf(c, PARAMETERS);
  const conditions = definedOf(named) as InventoryConditions;
  return { conditions, limit, ...(cursor !== undefined && { after: placeIn(cursor, conditions) }) };
}

function placeOf({ issues: [first] }: z.ZodError): string {
  if (first === undefined) return '';
  if (first.code !== 'unrecognized_keys') return first.path.length === 0 ? '' : ` at ${first.path.join('.')}`;
  const named = first.keys[0] ?? '';
  // It is the caller's word, which may be of any length.
  return named.length <= MAX_NAMED ? `: there is no parameter ${JSON.stringify(named)}` : '';
}

/** @throws AuthorityError CAP-O02 for a parameter that is none, twice there or malformed. */
function parametersOf<Parameters>({ req }: Pick<Context, 'req'>, schema: z.ZodType<Parameters>): Parameters {
  const given = Object.entries(req.queries());
  const parsed = schema.safeParse(
    Object.fromEntries(given.map(([name, values]) => [name, values.length === 1 ? values[0] : values])),
  );
  if (parsed.success) return parsed.data;
  throw new AuthorityError('CAP-O02', { detail: `the question is not as it should be${placeOf(parsed.error)}` });
}

function definedOf(parameters: object): object {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

function cursorOf(place: InventoryPlace): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @throws AuthorityError CAP-O02 for one that no page of this question gave. */
function placeIn(cursor: string, conditions: InventoryConditions): InventoryPlace {
  const parsed = PLACE.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  const place = parsed.success ? parsed.data : undefined;
  if (place?.order !== orderOf(conditions) || (place.order === 'identity') !== (place.atMs === undefined)) {
    throw new AuthorityError('CAP-O02', { detail: 'the cursor is of another question' });
  }
  return place as InventoryPlace;
}
