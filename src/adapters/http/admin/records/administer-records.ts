// What is on record lately: refusals by their causes, and what operators did.
import { z } from 'zod';
import { AuthorityError } from '../../../../domain/errors.ts';
import { parseDuration } from '../../../../domain/text/duration.ts';
import type { OperationRecord } from '../../../../ports/storage/operation-journal.ts';
import { demandRole, demandTeam, type AdministrationPart } from '../administration.ts';

export interface AskedRefusals {
  readonly sinceMs: number;
  /** Only of these; absent, all. */
  readonly namespaces?: readonly string[];
}

/** @typeParam Group as `review` groups them: handed through. */
export interface LatelyRefused<Group = unknown> {
  readonly asOfMs: number;
  /** What was looked at goes back to here: to what was asked for, or as far as `MAX_RECORDS` go. */
  readonly sinceMs: number;
  readonly groups: readonly Group[];
  /** Groups that are left out, those with the fewest refusals. */
  readonly hidden: number;
}

export interface RecordsParts {
  readonly refusals: (asked: AskedRefusals) => Promise<LatelyRefused>;
  /** Newest first. */
  readonly operations: (limit: number) => Promise<readonly OperationRecord[]>;
}

export const REFUSALS = '/refusals';
export const OPERATIONS = '/operations';
/** Records that one answer is made of, and groups that it has. */
export const MAX_RECORDS = 2_000;
export const MAX_GROUPS = 200;
const MAX_OPERATIONS = 200;
const LONGEST_MS = 30 * 86_400_000;

const since = z.string().default('1h').transform(parseDuration);

export function administerRecords({ refusals, operations }: RecordsParts, nowMs: () => number): AdministrationPart {
  return (routes) => {
    routes.get(REFUSALS, demandTeam, async (c) => {
      const ms = since.parse(c.req.query('since'));
      if (typeof ms !== 'number' || ms > LONGEST_MS) {
        throw new AuthorityError('CAP-O02', { detail: 'since must be a duration such as 1h, at most 30d' });
      }
      const { namespaces } = c.get('operator');
      return c.json(await refusals({ sinceMs: nowMs() - ms, ...(namespaces !== undefined && { namespaces }) }));
    });
    routes.get(OPERATIONS, demandRole('viewer'), async (c) =>
      c.json({ asOfMs: nowMs(), operations: await operations(MAX_OPERATIONS) }),
    );
  };
}
