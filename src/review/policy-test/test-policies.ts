// The policies of a test as one revision.
import { assemble } from '../../adapters/policy/source/assemble-policies.ts';
import { NOT_ONE_BUNDLE, onlyPolicyBundle } from '../../adapters/policy/source/policy-bundle-document.ts';
import { isMeantFor } from '../../domain/policy/bundle/audience.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { LocatedData } from '../../yaml/read-yaml.ts';
import type { WrittenTest } from './policy-test-schema.ts';
import { policiesOf, problemAt, type TextsBeside } from './test-inputs.ts';

/** @returns every problem instead, at its place in the test. */
export async function policiesOfTest(
  document: LocatedData,
  test: WrittenTest,
  textsBeside: TextsBeside,
): Promise<PolicySet | { readonly problems: readonly Problem[] }> {
  const central = await policiesOf({ document, path: ['bundle'], written: test.bundle }, textsBeside);
  const local = await Promise.all(
    test.policies.map((written, index) => policiesOf({ document, path: ['policies', index], written }, textsBeside)),
  );
  const problems = [...central.problems, ...local.flatMap((one) => one.problems)];
  if (problems.length > 0) return { problems };
  const bundle = onlyPolicyBundle({ documents: central.documents, problems: [] }, '');
  if ('problems' in bundle) return { problems: [problemAt(document, ['bundle'], NOT_ONE_BUNDLE)] };
  const { id } = test.cluster;
  if (!isMeantFor(bundle.document, id)) {
    const audience = bundle.document.audience.join(' ');
    return { problems: [problemAt(document, ['cluster', 'id'], `is not in the bundle's audience: ${audience}`)] };
  }
  return assemble({
    bundle: bundle.document,
    bundleDigest: bundle.digest,
    documents: local.flatMap(({ documents }) => documents),
    cluster: test.cluster,
  });
}
