// What is wrong with the policies as a whole: the one error of the CA, with every problem in it.
import { AuthorityError } from '../../../domain/errors.ts';
import { formatPosition, type Problem } from '../../../domain/text/position.ts';

/** Of one revision; who has more mends these first. */
const MAX_VIOLATIONS = 1_000;

/** @param problems at least one. @returns CAP-X03 with each as a violation, the first of them in its message. */
export function policiesInvalid(problems: readonly Problem[]): AuthorityError {
  const violations = problems.slice(0, MAX_VIOLATIONS).map(({ position, path, problem }) => ({
    path: path === '' ? formatPosition(position) : `${formatPosition(position)} ${path}`,
    actual: problem,
    allowed: 'see the policy reference',
  }));
  const [first] = violations;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new AuthorityError('CAP-X03', {
    detail: first === undefined ? 'the policies cannot be used' : `${first.path} ${first.actual}${more}`,
    violations,
  });
}
