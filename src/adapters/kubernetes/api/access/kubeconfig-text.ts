// What stands in one kubeconfig or several, by name (client-go, Config v1). Of two entries with one name that of the file
// which comes first counts, and so does its current context, as with kubectl. An entry keeps the folder of its file, which
// the paths in it are relative to.
import { z } from 'zod';
import { readYaml } from '../../../../yaml/read-yaml.ts';
import { AS_KUBERNETES, type YamlRules } from '../../../../yaml/yaml-rules.ts';
import { invalid } from './invalid-access.ts';

export interface KubeconfigText {
  readonly text: string;
  /** What an operator calls it: its path. */
  readonly place: string;
  /** That paths in it are relative to; absent, one that names files is refused. */
  readonly folder?: string;
}

/** An entry, and the text that it stands in. */
export type Named<T> = T & { readonly source: KubeconfigText };

export interface Kubeconfig {
  readonly currentContext: string;
  readonly clusters: ReadonlyMap<string, Named<ClusterEntry>>;
  readonly contexts: ReadonlyMap<string, Named<ContextEntry>>;
  readonly users: ReadonlyMap<string, Named<UserEntry>>;
}

/** What is left empty is as if it were absent. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value === null || value === '' ? undefined : value));
const entriesOf = <T extends z.ZodType>(entry: T) =>
  z
    .array(entry)
    .nullish()
    .transform((entries) => entries ?? []);
const CLUSTER = z.looseObject({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'tls-server-name': text,
  'proxy-url': text,
});
const CONTEXT = z.object({ cluster: text, user: text, namespace: text });
const USER = z.looseObject({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
});
const SHAPE = z.object({
  'current-context': text,
  clusters: entriesOf(z.object({ name: z.string(), cluster: CLUSTER })),
  contexts: entriesOf(z.object({ name: z.string(), context: CONTEXT })),
  users: entriesOf(z.object({ name: z.string(), user: USER.nullish().transform((user) => user ?? USER.parse({})) })),
});

export type ClusterEntry = z.infer<typeof CLUSTER>;
export type ContextEntry = z.infer<typeof CONTEXT>;
export type UserEntry = z.infer<typeof USER>;

/** As client-go reads it, JSON included. */
const KUBECONFIG: YamlRules = { ...AS_KUBERNETES, kind: 'a kubeconfig', maxBytes: 1024 * 1024, maxLexemes: 100_000 };

/** @throws AuthorityError CAP-X03 naming the first that cannot be read; nothing that stands in it is quoted. */
export function mergedKubeconfig(sources: readonly KubeconfigText[]): Kubeconfig {
  const all = sources.map((source) => ({ source, config: parsed(source) }));
  const merged = <T>(entriesIn: (config: z.infer<typeof SHAPE>) => readonly (readonly [string, T])[]) => {
    const first = new Map<string, Named<T>>();
    for (const { source, config } of all) {
      for (const [name, entry] of entriesIn(config)) if (!first.has(name)) first.set(name, { ...entry, source });
    }
    return first;
  };
  return {
    currentContext: all.map(({ config }) => config['current-context']).find((name) => name !== undefined) ?? '',
    clusters: merged(({ clusters }) => clusters.map(({ name, cluster }) => [name, cluster])),
    contexts: merged(({ contexts }) => contexts.map(({ name, context }) => [name, context])),
    users: merged(({ users }) => users.map(({ name, user }) => [name, user])),
  };
}

function parsed({ text: source, place }: KubeconfigText): z.infer<typeof SHAPE> {
  const { documents, problems } = readYaml(source, place, KUBECONFIG);
  const [problem] = problems;
  // What stands in it is not quoted: it may be a credential.
  if (problem !== undefined) throw invalid(place, `cannot be read as YAML (line ${problem.position.line})`);
  const result = SHAPE.safeParse(documents[0]?.data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(place, `is no kubeconfig: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}
