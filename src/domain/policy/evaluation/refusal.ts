// A decision that is not a "yes", as the one error that every edge knows how to answer. The first failed
// clause gives the reason; the line names the policy, what to do and whom to ask.
import { AuthorityError, type Violation } from '../../errors.ts';
import type { FailedClause, PolicyDecision } from '../policy-decision.ts';

/** Longest message of a policy's author in a status line; the log and the journal have it whole. */
const MAX_MESSAGE = 120;
const MAX_WORDS = 80;

/** @returns nothing when the decision is approved. */
export function refusalOf({ failures, unavailable }: PolicyDecision): AuthorityError | undefined {
  if (unavailable !== undefined) return new AuthorityError(unavailable.reason, { detail: unavailable.why });
  const [first] = failures;
  if (first === undefined) return undefined;
  return new AuthorityError(first.reason, {
    detail: lineOf(first, failures.length - 1),
    violations: failures.map(violationOf),
    mayPassLater: failures.every(({ mayPassLater }) => mayPassLater),
  });
}

function lineOf(clause: FailedClause, more: number): string {
  const { policy, field, actual, allowed, message, contact, mayPassLater } = clause;
  const what =
    message === undefined
      ? `${cut(actual, MAX_WORDS)}, allowed ${cut(allowed, MAX_WORDS)}`
      : `${cut(message, MAX_MESSAGE)} (${cut(actual, MAX_WORDS)})`;
  return [
    `${policy} ${field}: ${what}`,
    ...(mayPassLater ? ['may pass later'] : []),
    ...(contact === undefined ? [] : [`ask ${contact}`]),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('; ');
}

function violationOf({ policy, field, actual, allowed }: FailedClause): Violation {
  return { path: `${policy} ${field}`, actual, allowed };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}
