// What a maintainer needs to help from afar, as one JSON file. Facts are certificates by what they say, names and settings; keys,
// tokens, CSRs and the contents of Secrets are in none of them. Values of keys that may carry a credential are hidden.
import process from 'node:process';
import path from 'node:path';
import { showConfig } from '../../../config/redact.ts';
import type { Consulted } from '../../inputs/estate/consult-doctor.ts';
import { writeTogether } from '../../inputs/files.ts';
import type { Invocation } from '../../invocation.ts';

/** Names, but also digests of policies: for its reader alone. */
const MODE = 0o600;

export async function writeSupportBundle(
  file: string,
  { facts, observation, loaded, diagnosis, cluster }: Consulted,
  { clock, signal, terminal }: Invocation,
): Promise<void> {
  const { api } = cluster;
  const [kubernetes, pods] = await Promise.all([api.raw('/version', { signal }), cluster.pods({ signal })]);
  const { bundle, ...others } = facts;
  const text = JSON.stringify(
    {
      made: new Date(clock.nowMs()).toISOString(),
      versions: {
        node: process.versions.node,
        openssl: process.versions.openssl,
        platform: process.platform,
        kubernetes,
      },
      findings: diagnosis.cases.flatMap(({ findings }) => findings),
      notSeen: diagnosis.notSeen,
      configuration: showConfig(loaded.entries),
      facts: { ...others, bundle: 'known' in bundle ? bundleOf(bundle.known) : bundle },
      pods,
      server: observation ?? null,
    },
    undefined,
    2,
  );
  await writeTogether(path.dirname(file), [{ name: path.basename(file), text: `${text}\n`, mode: MODE }]);
  terminal.note(`wrote ${file}\n`);
}

/** Which bundle it is, without what it says: rules name teams and what they run. */
function bundleOf({
  bundle,
  problems,
}: {
  readonly bundle?: { name: string; sequence: number; validity: unknown };
  readonly problems: readonly string[];
}): unknown {
  return {
    problems,
    ...(bundle !== undefined && { name: bundle.name, sequence: bundle.sequence, validity: bundle.validity }),
  };
}
