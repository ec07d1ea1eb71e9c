// What `serve --dev` and the commands that talk to it agree on.

/** The `iss` of tokens that a data directory's own token issuer signs. Never resolves. */
export const DEV_TOKEN_ISSUER = 'https://capstan.invalid/dev';

/** Where dev mode keeps everything unless told otherwise. */
export const DEV_DATA_DIRECTORY = '.capstan';

/** A data directory, as far as the configuration needs to know it. */
export interface DevDirectory {
  readonly files: Readonly<Record<'anchors' | 'chain' | 'issuerKey' | 'tokenIssuerKeys' | 'bundle', string>>;
  readonly policies: string;
  readonly manifests: string;
  readonly journal: string;
  readonly sockets: string;
}

/**
 * What dev mode assumes, by dotted path: the weakest source of a configuration.
 * @param root the data directory itself; the log goes there too, so that the terminal stays readable.
 * @param settings.asksCluster whether a cluster is asked: it is then not described by manifests too.
 */
export function devValues(
  { files, journal, sockets, policies, manifests }: DevDirectory,
  root: string,
  { asksCluster }: { readonly asksCluster: boolean },
): Readonly<Record<string, unknown>> {
  return {
    'issuer.chainFile': files.chain,
    'issuer.keyFile': files.issuerKey,
    'issuer.keyWarnings': false,
    'trustAnchors.file': files.anchors,
    'policy.bundle.file': files.bundle,
    'policy.bundle.unsigned': true,
    'policy.directory': policies,
    ...(!asksCluster && { 'cluster.manifests': manifests }),
    'authentication.tokens.issuers': [{ issuer: DEV_TOKEN_ISSUER, keys: { file: files.tokenIssuerKeys } }],
    'sds.socketDirectory': sockets,
    'listen.console.address': '127.0.0.1:0',
    'listen.console.oneTimeLink': true,
    'journal.store': `sqlite:${journal}`,
    'telemetry.logFile': `${root}/capstan.log`,
  };
}
