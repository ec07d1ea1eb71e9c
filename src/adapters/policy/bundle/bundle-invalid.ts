// What is wrong with a policy bundle, its signatures, its keys or its rollback state: the one error of the CA, and one
// line for the log.
import { AuthorityError } from '../../../domain/errors.ts';
import { formatPosition, type Problem } from '../../../domain/text/position.ts';

/** Most problems that one line of the log tells. */
const MAX_REPORTED = 20;

/** @returns CAP-X03 with every problem as a violation, the first of them in its message. */
export function policyBundleInvalid(problems: readonly Problem[], cause?: unknown): AuthorityError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new AuthorityError('CAP-X03', {
    detail: first === undefined ? 'there is no policy bundle' : `${placeOf(first)} ${first.problem}${more}`,
    violations: problems.map((problem) => ({
      path: placeOf(problem),
      actual: problem.problem,
      allowed: 'a bundle that may come in force',
    })),
    ...(cause !== undefined && { cause }),
  });
}

/** All problems, so that an operator mends them in one go. */
export function formatFailure(error: unknown): string {
  if (!(error instanceof AuthorityError)) return 'unexpected failure';
  const { violations, message } = error;
  if (violations.length === 0) return message;
  const reported = violations.slice(0, MAX_REPORTED).map(({ path, actual }) => `${path} ${actual}`);
  const more = violations.length > MAX_REPORTED ? [`and ${violations.length - MAX_REPORTED} more`] : [];
  return [...reported, ...more].join('; ');
}

/** `bundle.yaml:4:3 metadata.sequence` */
function placeOf({ position, path }: Problem): string {
  return path === '' ? formatPosition(position) : `${formatPosition(position)} ${path}`;
}
