// Whether the policies in force are those that a checkout, or a digest in the configuration, says.
import { gitRevisionOf } from '../../../adapters/files/git-revision.ts';
import { watchedDirectory } from '../../../adapters/files/watched-directory.ts';
import { CheckedOutPolicies } from '../../../adapters/policy/expected/checked-out-policies.ts';
import { readDocumentDirectory } from '../../../adapters/policy/source/document-directory.ts';
import { PolicyWatch } from '../../../authority/drift/policy-watch.ts';
import type { Config } from '../../../config/schema.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import type { Foundation } from '../foundation.ts';

/** @returns nothing where nothing says what should be in force. */
export function composePolicyWatch(
  { policy: { expected } }: Pick<Config, 'policy'>,
  { watching: clock, files, events, telemetry, startUp, running: signal, worker }: Foundation,
  policies: PolicySource,
): PolicyWatch | undefined {
  const { directory, bundleDigest } = expected;
  if (directory === undefined && bundleDigest === undefined) return undefined;
  // Each process knows, so that whichever is asked can answer; one tells for all.
  const tells = worker === undefined || worker.slot === 1;
  const watch = new PolicyWatch(
    {
      policies,
      clock,
      ...(tells && { events }),
      ...(directory !== undefined && { expected: checkout(directory, files) }),
    },
    { ...(bundleDigest !== undefined && { bundleDigest }) },
  );
  if (tells) telemetry.observePolicyDrift(() => watch.seen);
  startUp.at('listen', () => {
    void watch.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'policy drift', cause }));
  });
  return watch;
}

function checkout(directory: string, files: Foundation['files']): CheckedOutPolicies {
  const read = async (root: string) => ({
    gitRevision: await gitRevisionOf(root),
    texts: await readDocumentDirectory(root),
  });
  return new CheckedOutPolicies(watchedDirectory({ root: directory, read }, files));
}
